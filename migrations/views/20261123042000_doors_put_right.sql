-- Owner: projector. When the note at the door or its pin was last put right: whoever carries has looked at it before.
-- Rows that exist already were never put right.
ALTER TABLE views.deliveries ADD COLUMN dropoff_corrected_at timestamptz;
