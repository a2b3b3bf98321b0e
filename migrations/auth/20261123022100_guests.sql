-- A guest has not signed in: the token is the only way to the cart that it was given for.
ALTER TABLE auth.logins DROP CONSTRAINT logins_role_check;
ALTER TABLE auth.logins ADD CONSTRAINT logins_role_check
    CHECK (role IN ('customer', 'owner', 'driver', 'ops', 'service', 'guest'));
