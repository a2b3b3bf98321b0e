-- infra: the database roles. Services take theirs with SET ROLE; production gives each its own login.
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY[
        'ramen_app', 'ramen_projector', 'ramen_query', 'ramen_checker', 'ramen_vault'
    ] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            -- Roles belong to the cluster: another database, or a migrator at work beside this
            -- one, made it.
            NULL;
        END;
        EXECUTE format('GRANT %I TO CURRENT_USER', role_name);
    END LOOP;
END
$$;
