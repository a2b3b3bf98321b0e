-- Owner: infra::http::logins. A page of somebody's live logins is a range of this index, however many there are; it also
-- finds all of a person's, as the one before it did.
CREATE INDEX logins_of_person ON auth.logins (principal, created_at DESC, sid DESC) WHERE revoked_at IS NULL;
DROP INDEX auth.logins_principal;
