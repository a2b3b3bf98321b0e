-- infra: the append-only event store, its global order and the hash chain (architecture §3).
CREATE SCHEMA es;

-- The first seven columns are those that postgres-es names. `json`, not `jsonb`: the chain covers
-- the text as it was written.
CREATE TABLE es.events (
    aggregate_type text NOT NULL,
    aggregate_id   text NOT NULL,
    sequence       bigint NOT NULL CHECK (sequence > 0),
    event_type     text NOT NULL,
    event_version  text NOT NULL,
    payload        json NOT NULL,
    metadata       json NOT NULL,
    id             bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
    xid            xid8 NOT NULL DEFAULT pg_current_xact_id(),
    event_id       uuid NOT NULL,
    recorded_at    timestamptz NOT NULL,
    UNIQUE (aggregate_type, aggregate_id, sequence)
);
-- The sequencer looks rows up by the transaction that wrote them.
CREATE INDEX events_xid_id ON es.events (xid, id);

-- No foreign key: events cannot be deleted, and the check would cost as much as the numbering.
CREATE TABLE es.event_log (
    position    bigint PRIMARY KEY CHECK (position > 0),
    event_row   bigint NOT NULL UNIQUE,
    assigned_at timestamptz NOT NULL,
    hash        bytea NOT NULL CHECK (octet_length(hash) = 32)
);

-- One row: how far the order goes, what has been seen, who may number.
CREATE TABLE es.sequencer (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL,
    hash     bytea NOT NULL,
    snapshot pg_snapshot NOT NULL,
    epoch    bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO es.sequencer (position, hash, snapshot, epoch)
VALUES (0, decode(repeat('00', 32), 'hex'), '1:1:', 0);

-- Folded states of streams that grow for ever; ignored when the schema version differs.
CREATE TABLE es.snapshots (
    aggregate_type text NOT NULL,
    aggregate_id   text NOT NULL,
    sequence       bigint NOT NULL,
    schema_version integer NOT NULL,
    state          json NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id)
);

CREATE FUNCTION es.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only: % refused', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE ON es.events
    FOR EACH ROW EXECUTE FUNCTION es.refuse_change();
CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON es.events
    FOR EACH STATEMENT EXECUTE FUNCTION es.refuse_change();
CREATE TRIGGER event_log_append_only BEFORE UPDATE OR DELETE ON es.event_log
    FOR EACH ROW EXECUTE FUNCTION es.refuse_change();
CREATE TRIGGER event_log_no_truncate BEFORE TRUNCATE ON es.event_log
    FOR EACH STATEMENT EXECUTE FUNCTION es.refuse_change();

-- The chain of reliability §9: strings behind a 4-byte length, integers 8 bytes big-endian, uuids
-- 16 bytes, time in microseconds since 2000-01-01 (what timestamptz_send gives).
CREATE FUNCTION es.length_prefixed(value text) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT int4send(octet_length(convert_to(value, 'UTF8'))) || convert_to(value, 'UTF8')
$$;

CREATE FUNCTION es.leaf(event es.events) RETURNS bytea
LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
    SELECT sha256(
        '\x00'::bytea
        || es.length_prefixed(event.aggregate_type)
        || es.length_prefixed(event.aggregate_id)
        || int8send(event.sequence)
        || es.length_prefixed(event.event_type)
        || es.length_prefixed(event.event_version)
        || uuid_send(event.event_id)
        || timestamptz_send(event.recorded_at)
        || es.length_prefixed(event.payload::text)
        || es.length_prefixed(event.metadata::text)
    )
$$;

CREATE FUNCTION es.chain_step(state bytea, seed bytea, at_position bigint, leaf bytea)
RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT sha256('\x01'::bytea || coalesce(state, seed) || int8send(at_position) || leaf)
$$;

-- Used as a window function: each row's hash covers the one before it, the first one the seed.
CREATE AGGREGATE es.chain(seed bytea, at_position bigint, leaf bytea) (
    SFUNC = es.chain_step,
    STYPE = bytea
);

GRANT USAGE ON SCHEMA es TO ramen_app, ramen_projector, ramen_query, ramen_checker;
GRANT SELECT, INSERT ON es.events, es.event_log TO ramen_app;
GRANT SELECT, UPDATE ON es.sequencer TO ramen_app;
GRANT SELECT, INSERT, UPDATE ON es.snapshots TO ramen_app;
GRANT SELECT ON es.events, es.event_log TO ramen_projector;
GRANT SELECT ON es.event_log TO ramen_query;
GRANT SELECT ON ALL TABLES IN SCHEMA es TO ramen_checker;
