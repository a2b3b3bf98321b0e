-- Owned by projector: the read side. The projector alone writes here; query-api reads.
--
-- A row folds one stream (its id is the primary key) and carries that stream's sequence. What needs two
-- streams is joined when read. Tables that change often have fillfactor 70 and no index on a column
-- that changes, so that an update stays in its page (HOT).

CREATE EXTENSION IF NOT EXISTS postgis;

CREATE SCHEMA IF NOT EXISTS views;

-- How far each view has folded each partition. Topic `store`, partition 0 is the store feed. The hash
-- names the history (ADR 15); the revision counts changes of the view's rows that the feed did not make:
-- who makes one moves it, and whoever remembers rows forgets them (ADR 16).
CREATE TABLE views.checkpoints (
    view text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    position bigint NOT NULL CHECK (position >= 0), -- global position of the last record folded
    hash bytea NOT NULL CHECK (octet_length(hash) = 32), -- of es.event_log there
    revision bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (view, topic, partition)
) WITH (fillfactor = 10);

-- Events that a view could not fold, and every later event of that stream for that view, in order.
CREATE TABLE views.parked_events (
    view text NOT NULL,
    kind text NOT NULL,
    stream uuid NOT NULL,
    sequence bigint NOT NULL,
    position bigint NOT NULL,
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    event_version text NOT NULL,
    payload text NOT NULL,
    metadata text NOT NULL,
    recorded_at timestamptz NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    error text,                   -- empty for those that only wait behind another
    parked_at timestamptz NOT NULL,
    PRIMARY KEY (view, kind, stream, sequence)
);
CREATE INDEX parked_events_stream ON views.parked_events (stream);

CREATE TABLE views.restaurants (
    restaurant_id uuid PRIMARY KEY,
    sequence bigint NOT NULL,
    stage text NOT NULL CHECK (stage IN ('draft', 'submitted', 'live', 'suspended', 'closed')),
    name text NOT NULL,
    owner_id uuid,
    time_zone text NOT NULL,
    currency text NOT NULL,
    country text NOT NULL,
    city text NOT NULL,
    address_text text NOT NULL,
    phone text,
    lat double precision NOT NULL,
    lon double precision NOT NULL,
    styles json NOT NULL,
    auto_fire boolean NOT NULL,
    source json,
    hours json,
    zones json NOT NULL,          -- [{key, polygon, fee_minor, minimum_minor, minutes}]
    zone_shapes text NOT NULL,    -- the same polygons in the same order, as one WKT collection
    terms json,
    paused boolean NOT NULL,
    pause_reason text,
    paused_until timestamptz,
    stage_reason text,
    updated_at timestamptz NOT NULL,
    location public.geometry(Point, 4326) NOT NULL
        GENERATED ALWAYS AS (public.ST_SetSRID(public.ST_MakePoint(lon, lat), 4326)) STORED,
    zone_areas public.geometry(GeometryCollection, 4326) NOT NULL
        GENERATED ALWAYS AS (public.ST_GeomFromText(zone_shapes, 4326)) STORED
) WITH (fillfactor = 70);
CREATE INDEX restaurants_location ON views.restaurants USING gist (location);
CREATE INDEX restaurants_zone_areas ON views.restaurants USING gist (zone_areas);

CREATE TABLE views.menus (
    restaurant_id uuid PRIMARY KEY,
    sequence bigint NOT NULL,
    version integer NOT NULL,
    document json NOT NULL,       -- as published
    prices json NOT NULL,         -- {item: price_minor} set since it was published
    unavailable json NOT NULL,    -- [item] switched off, over publications that keep it
    updated_at timestamptz NOT NULL
);

CREATE TABLE views.stock (
    restaurant_id uuid PRIMARY KEY,
    sequence bigint NOT NULL,
    ingredients json NOT NULL,    -- {ingredient: {tracked, free, held, received, adjusted, used, wasted, …}}
    holds json NOT NULL,          -- {order: [{ingredient, amount}]} open or committed
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE views.carts (
    cart_id uuid PRIMARY KEY,
    sequence bigint NOT NULL,
    customer_id uuid NOT NULL,
    restaurant_id uuid NOT NULL,
    channel text NOT NULL,
    stage text NOT NULL CHECK (stage IN ('open', 'checked_out', 'abandoned')),
    lines json NOT NULL,
    fulfilment json,
    tip_minor bigint NOT NULL,
    order_id uuid,
    expires_at timestamptz NOT NULL,
    opened_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE views.orders (
    order_id uuid PRIMARY KEY,
    sequence bigint NOT NULL,
    customer_id uuid NOT NULL,
    restaurant_id uuid NOT NULL,
    restaurant_name text NOT NULL,
    cart_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    driver_id uuid,
    number integer NOT NULL,
    service_date date NOT NULL,
    channel text NOT NULL,
    city text NOT NULL,
    fulfilment text NOT NULL CHECK (fulfilment IN ('delivery', 'pickup')),
    state text NOT NULL CHECK (state IN (
        'awaiting_payment', 'placed', 'accepted', 'cooking', 'ready', 'picked_up', 'delivered',
        'undeliverable', 'uncollected', 'completed', 'expired', 'cancelled', 'rejected')),
    total_minor bigint NOT NULL,
    currency text NOT NULL,
    promise_earliest timestamptz NOT NULL,
    promise_latest timestamptz NOT NULL,
    prep_minutes integer,
    slurp_deadline timestamptz,
    expires_at timestamptz NOT NULL,
    checked_out_at timestamptz NOT NULL,
    placed_at timestamptz,
    accepted_at timestamptz,
    fired_at timestamptz,
    ready_at timestamptz,
    picked_up_at timestamptz,
    delivered_at timestamptz,
    ended_at timestamptz,
    end_reason text,
    end_fault text,
    ended_by text,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX orders_customer ON views.orders (customer_id, order_id);
CREATE INDEX orders_restaurant ON views.orders (restaurant_id, order_id);

-- What checkout fixed for ever, apart from the row that changes at every step.
CREATE TABLE views.order_details (
    order_id uuid PRIMARY KEY,
    sequence bigint NOT NULL,
    lines json NOT NULL,
    quote json NOT NULL,
    allergens json NOT NULL,
    fulfilment json NOT NULL      -- the address in it is sealed
);

CREATE TABLE views.kitchen_queue (
    order_id uuid PRIMARY KEY,
    sequence bigint NOT NULL,
    restaurant_id uuid NOT NULL,
    number integer NOT NULL,
    service_date date NOT NULL,
    fulfilment text NOT NULL,
    state text NOT NULL CHECK (state IN (
        'awaiting_payment', 'placed', 'accepted', 'cooking', 'ready')),
    auto_fire boolean NOT NULL,
    lines json NOT NULL,          -- what to cook; notes are sealed
    bowls json NOT NULL,          -- [{line, bowl, boiled_at, sealed_at, deadline}]
    prep_minutes integer,
    promise_latest timestamptz NOT NULL,
    placed_at timestamptz,
    accepted_at timestamptz,
    acknowledged_at timestamptz,
    fired_at timestamptz,
    ready_at timestamptz,
    slurp_deadline timestamptz,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX kitchen_queue_restaurant ON views.kitchen_queue (restaurant_id);

CREATE TABLE views.order_timeline (
    order_id uuid NOT NULL,
    sequence bigint NOT NULL,
    event text NOT NULL,
    happened_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    facts json NOT NULL,          -- what of the event may be shown; nothing personal
    PRIMARY KEY (order_id, sequence)
);

CREATE TABLE views.payments (
    payment_id uuid PRIMARY KEY,
    sequence bigint NOT NULL,
    order_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    restaurant_id uuid NOT NULL,
    stage text NOT NULL CHECK (stage IN (
        'requires_payment', 'requires_action', 'authorized', 'capturing', 'captured',
        'capture_failed', 'voiding', 'voided', 'failed', 'expired')),
    attempt integer NOT NULL,
    amount_minor bigint NOT NULL,
    captured_minor bigint NOT NULL,
    refunded_minor bigint NOT NULL,
    currency text NOT NULL,
    intent text,
    failure_code text,
    refunds json NOT NULL,        -- {refund: {amount_minor, reason, state}}
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX payments_order ON views.payments (order_id);

CREATE TABLE views.deliveries (
    delivery_id uuid PRIMARY KEY,
    sequence bigint NOT NULL,
    order_id uuid NOT NULL,
    restaurant_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    driver_id uuid,
    stage text NOT NULL CHECK (stage IN (
        'requested', 'assigned', 'unassigned', 'at_pickup', 'picked_up', 'en_route', 'at_dropoff',
        'delivered', 'failed', 'cancelled')),
    number integer NOT NULL,
    pickup_name text NOT NULL,
    pickup_lat double precision NOT NULL,
    pickup_lon double precision NOT NULL,
    dropoff json NOT NULL,        -- sealed address
    pin json NOT NULL,            -- sealed
    bowls integer NOT NULL,
    deadline timestamptz,
    requested_at timestamptz NOT NULL,
    at_pickup_at timestamptz,
    verified_at timestamptz,
    checks json,
    picked_up_at timestamptz,
    at_dropoff_at timestamptz,
    contact_attempts integer NOT NULL,
    pin_failures integer NOT NULL,
    delivered_at timestamptz,
    proof json,
    ended_at timestamptz,
    end_reason text,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX deliveries_order ON views.deliveries (order_id);
CREATE INDEX deliveries_driver ON views.deliveries (driver_id, delivery_id) WHERE driver_id IS NOT NULL;

CREATE TABLE views.drivers (
    driver_id uuid PRIMARY KEY,
    sequence bigint NOT NULL,
    stage text NOT NULL CHECK (stage IN ('registered', 'approved', 'suspended')),
    name json NOT NULL,           -- sealed
    phone json NOT NULL,          -- sealed
    vehicle text NOT NULL,
    stage_reason text,
    registered_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

GRANT USAGE ON SCHEMA views TO ramen_projector, ramen_query, ramen_checker;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA views TO ramen_projector;
GRANT SELECT ON ALL TABLES IN SCHEMA views TO ramen_query, ramen_checker;
