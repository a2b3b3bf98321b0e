-- Owner: projector. Who sold an order, what the marketplace keeps of it, and what was agreed before it changed: for receipts.
-- Rows that exist already say none of it until the view is rebuilt (`ramen rebuild order_details`).
ALTER TABLE views.order_details
    ADD COLUMN seller json,     -- {name, tax_id, address}, as at checkout
    ADD COLUMN commission json, -- {from, rate_bp, base, fixed_minor}, as at checkout; not for customers
    ADD COLUMN agreed json;     -- {lines, quote} of checkout, once they are others
