-- infra: what the write side must remember beside its events: answers to repeated requests, how far
-- the publisher and the processes are, effects, timers and webhooks that came in.
CREATE SCHEMA ops;

-- One row a decided command; the primary key makes a repeat one execution (reliability §3).
CREATE TABLE ops.command_records (
    key_hash    bytea PRIMARY KEY CHECK (octet_length(key_hash) = 32),
    fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
    status      smallint NOT NULL,
    headers     json NOT NULL,
    body        text NOT NULL,
    created_at  timestamptz NOT NULL
);
-- The oldest are deleted first. Not BRIN: rows that fill the room of deleted ones would spoil it.
CREATE INDEX command_records_created_at ON ops.command_records (created_at);

-- How far the relay has published, with the chain's hash there, which names the history (ADR 15);
-- moved only by the leader of the current epoch.
CREATE TABLE ops.publisher_cursor (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL,
    hash     bytea NOT NULL CHECK (octet_length(hash) = 32)
) WITH (fillfactor = 10);
INSERT INTO ops.publisher_cursor (position, hash) VALUES (0, decode(repeat('00', 32), 'hex'));

-- The last position sent to each partition, so that the next record can name it.
CREATE TABLE ops.topic_positions (
    topic     text NOT NULL,
    partition integer NOT NULL,
    position  bigint NOT NULL,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);

-- Process managers: how far each has read, its instances, and what it still has to do.
CREATE TABLE ops.process_positions (
    process  text PRIMARY KEY,
    position bigint NOT NULL,
    hash     bytea NOT NULL CHECK (octet_length(hash) = 32), -- of es.event_log there
    epoch    bigint NOT NULL
) WITH (fillfactor = 10);

CREATE TABLE ops.process_instances (
    process  text NOT NULL,
    instance uuid NOT NULL,
    state    json NOT NULL,
    over     boolean NOT NULL,
    PRIMARY KEY (process, instance)
) WITH (fillfactor = 70);

CREATE TABLE ops.effects (
    effect_id    uuid PRIMARY KEY,
    process      text NOT NULL,
    instance     uuid NOT NULL,
    ordinal      bigint GENERATED ALWAYS AS IDENTITY,
    kind         text NOT NULL CHECK (kind IN ('command', 'payment')),
    effect       json NOT NULL,
    status       text NOT NULL CHECK (status IN ('pending', 'sent', 'done', 'parked')),
    attempts     integer NOT NULL DEFAULT 0,
    due_at       timestamptz NOT NULL,
    sent_at      timestamptz,
    last_error   text,
    created_at   timestamptz NOT NULL,
    finished_at  timestamptz,
    -- The event that it follows from, whether that is a rehearsal, and the trace that goes on.
    cause        uuid,
    test         boolean NOT NULL DEFAULT false,
    traceparent  text
) WITH (fillfactor = 70);
CREATE INDEX effects_open ON ops.effects (kind, due_at, ordinal)
    WHERE status IN ('pending', 'sent');
CREATE INDEX effects_done ON ops.effects (finished_at) WHERE status = 'done';
-- Effects of one instance and kind are performed in order.
CREATE INDEX effects_in_order ON ops.effects (instance, kind, ordinal)
    WHERE status IN ('pending', 'sent');

CREATE TABLE ops.timers (
    process    text NOT NULL,
    instance   uuid NOT NULL,
    name       text NOT NULL,
    due_at     timestamptz NOT NULL,
    effect_id  uuid NOT NULL,
    effect     json NOT NULL,
    cause      uuid,
    test       boolean NOT NULL DEFAULT false,
    traceparent text,
    PRIMARY KEY (process, instance, name)
);
CREATE INDEX timers_due ON ops.timers (due_at);

-- Webhooks are kept before they are answered and handled once, in any order.
CREATE TABLE ops.webhook_inbox (
    source       text NOT NULL,
    event_key    text NOT NULL,
    received_at  timestamptz NOT NULL,
    body         text NOT NULL,
    status       text NOT NULL CHECK (status IN ('pending', 'done', 'parked')),
    attempts     integer NOT NULL DEFAULT 0,
    due_at       timestamptz NOT NULL,
    last_error   text,
    -- Of the request that brought it.
    traceparent  text,
    PRIMARY KEY (source, event_key)
);
CREATE INDEX webhook_inbox_pending ON ops.webhook_inbox (due_at) WHERE status = 'pending';
CREATE INDEX webhook_inbox_done ON ops.webhook_inbox (received_at) WHERE status = 'done';

GRANT USAGE ON SCHEMA ops TO ramen_app, ramen_query, ramen_checker;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ops TO ramen_app;
GRANT SELECT ON ops.publisher_cursor, ops.effects, ops.timers, ops.webhook_inbox TO ramen_query;
GRANT SELECT ON ALL TABLES IN SCHEMA ops TO ramen_checker;
