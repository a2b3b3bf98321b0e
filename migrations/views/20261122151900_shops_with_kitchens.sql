-- What a shop's kitchen can do, and what of it is booked by slot. Rows that exist already are those of shops that said
-- nothing of it.
ALTER TABLE views.restaurants
    ADD COLUMN capacity json; -- {baskets, bowls_per_slot, max_bowls_per_order}

ALTER TABLE views.stock
    ADD COLUMN kitchen json NOT NULL DEFAULT '{}',  -- {slot: {bowls, basket_seconds}} of slots that are not over
    ADD COLUMN bookings json NOT NULL DEFAULT '{}'; -- {order: {slots: [{starts, bowls, basket_seconds}]}} open or committed
