-- Why a shop is paused, who works there and with which devices. Rows that exist already are those of shops that told
-- nothing of it; their pauses were asked for by staff.
ALTER TABLE views.restaurants
    ADD COLUMN pause_kind text CHECK (pause_kind IN ('by_staff', 'unreachable', 'closed_today')),
    ADD COLUMN staff json NOT NULL DEFAULT '{}',   -- {staff: {name (sealed), role, principal}}
    ADD COLUMN devices json NOT NULL DEFAULT '{}'; -- {device: name}
UPDATE views.restaurants SET pause_kind = 'by_staff' WHERE paused;
