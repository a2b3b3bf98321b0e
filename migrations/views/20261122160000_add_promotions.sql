-- Owner: projector. Promotions with their redemptions, and the one that a cart names.
ALTER TABLE views.carts ADD COLUMN promotion json; -- {id, code}

CREATE TABLE views.promotions (
    promotion_id uuid PRIMARY KEY,
    sequence bigint NOT NULL,
    restaurant_id uuid,           -- the shop that gives it; none for the platform
    code text,                    -- folded; none for one that holds by itself
    stage text NOT NULL CHECK (stage IN ('active', 'ended')),
    terms json NOT NULL,          -- with the limits as they are now
    redeemed bigint NOT NULL,     -- orders, without those that died unpaid
    ended_at timestamptz,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX promotions_restaurant ON views.promotions (restaurant_id, promotion_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON views.promotions TO ramen_projector;
GRANT SELECT ON views.promotions TO ramen_query, ramen_checker;
