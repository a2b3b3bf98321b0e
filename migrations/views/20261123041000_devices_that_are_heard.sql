-- projector: which devices of a shop are there, and since when, or were last heard when. Rows that exist already are those
-- of shops whose devices have said nothing yet.
ALTER TABLE views.restaurants
    ADD COLUMN device_signs json NOT NULL DEFAULT '{}'; -- {device: {here, at}}
