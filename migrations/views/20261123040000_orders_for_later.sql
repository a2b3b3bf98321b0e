-- Owned by projector. Orders that are wanted later: their window, when their shop is asked, and a stage until then.
ALTER TABLE views.carts ADD COLUMN wanted json; -- {from, to}

ALTER TABLE views.orders
    ADD COLUMN wanted_from timestamptz,
    ADD COLUMN wanted_to timestamptz,
    ADD COLUMN release_at timestamptz,
    ADD COLUMN scheduled_at timestamptz,
    DROP CONSTRAINT orders_state_check,
    ADD CONSTRAINT orders_state_check CHECK (state IN (
        'awaiting_payment', 'scheduled', 'placed', 'accepted', 'cooking', 'ready', 'picked_up', 'delivered',
        'undeliverable', 'uncollected', 'completed', 'expired', 'cancelled', 'rejected'));

-- Of orders that are in a kitchen already the beginning of the promise is not known here: a rebuild tells it.
ALTER TABLE views.kitchen_queue
    ADD COLUMN promise_earliest timestamptz,
    ADD COLUMN release_at timestamptz,
    DROP CONSTRAINT kitchen_queue_state_check,
    ADD CONSTRAINT kitchen_queue_state_check CHECK (state IN (
        'awaiting_payment', 'scheduled', 'placed', 'accepted', 'cooking', 'ready'));
