-- Owned by projector. Since when an order is at its stage, what it was promised first, and why our staff last acted in
-- another's place. Of rows that exist already the first promise is not known any more: a rebuild tells it.
ALTER TABLE views.orders
    ADD COLUMN state_since timestamptz,
    ADD COLUMN first_promise_earliest timestamptz,
    ADD COLUMN first_promise_latest timestamptz,
    ADD COLUMN on_behalf text;
UPDATE views.orders SET
    state_since = coalesce(CASE state
        WHEN 'awaiting_payment' THEN checked_out_at
        WHEN 'placed' THEN placed_at
        WHEN 'accepted' THEN accepted_at
        WHEN 'cooking' THEN fired_at
        WHEN 'ready' THEN ready_at
        WHEN 'picked_up' THEN picked_up_at
        WHEN 'delivered' THEN delivered_at
        ELSE ended_at END, updated_at),
    first_promise_earliest = promise_earliest,
    first_promise_latest = promise_latest;
ALTER TABLE views.orders
    ALTER COLUMN state_since SET NOT NULL,
    ALTER COLUMN first_promise_earliest SET NOT NULL,
    ALTER COLUMN first_promise_latest SET NOT NULL;
