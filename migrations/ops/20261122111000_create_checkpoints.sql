-- command_api::publisher::signer: notes that say where the hash chain stood, signed by a key that
-- the database does not have. Whoever rewrites the log cannot rewrite them (reliability §9).
CREATE TABLE ops.checkpoints (
    position  bigint PRIMARY KEY CHECK (position > 0),
    note      text NOT NULL,
    signed_at timestamptz NOT NULL
);
CREATE TRIGGER checkpoints_append_only BEFORE UPDATE OR DELETE ON ops.checkpoints
    FOR EACH ROW EXECUTE FUNCTION es.refuse_change();
CREATE TRIGGER checkpoints_no_truncate BEFORE TRUNCATE ON ops.checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION es.refuse_change();

GRANT SELECT, INSERT ON ops.checkpoints TO ramen_app;
GRANT SELECT ON ops.checkpoints TO ramen_checker;
