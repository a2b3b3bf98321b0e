-- A guest's cart ends when somebody who has signed in takes it over.
ALTER TABLE views.carts DROP CONSTRAINT carts_stage_check;
ALTER TABLE views.carts ADD CONSTRAINT carts_stage_check
    CHECK (stage IN ('open', 'checked_out', 'claimed', 'abandoned'));
