-- Owned by projector. Which order a remake is of: what is made again is an order of its own, linked to the first.
ALTER TABLE views.orders ADD COLUMN remake_of uuid;
ALTER TABLE views.kitchen_queue ADD COLUMN remake_of uuid;
