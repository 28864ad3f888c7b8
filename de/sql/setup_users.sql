-- Roles and grants of the company database. Run it as a superuser inside the database it is for; it
-- may be run again at any time. The passwords come in as psql variables:
--   psql -v admin_password=... -v ds_password=... -v mle_password=... -f setup_users.sql
DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT * FROM (VALUES
            ('admin', 'LOGIN CREATEDB CREATEROLE'),
            ('ds_user_role', 'NOLOGIN'),
            ('mle_user_role', 'NOLOGIN'),
            ('ds_user', 'LOGIN IN ROLE ds_user_role'),
            ('mle_user', 'LOGIN IN ROLE mle_user_role')
        ) AS roles (name, options)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.name) THEN
            EXECUTE format('CREATE ROLE %I %s', wanted.name, wanted.options);
        END IF;
    END LOOP;
    -- TEMPORARY is granted to everyone by default; ds_user shall be able to write nothing at all.
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('ALTER DATABASE %I OWNER TO admin', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO ds_user_role', current_database());
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO mle_user_role', current_database());
END
$$;

ALTER ROLE admin PASSWORD :'admin_password';
ALTER ROLE ds_user PASSWORD :'ds_password';
ALTER ROLE mle_user PASSWORD :'mle_password';

GRANT ds_user_role TO ds_user;
GRANT mle_user_role TO mle_user;

-- Servers before PostgreSQL 15 let everyone create tables in public.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO ds_user_role;
GRANT ALL ON SCHEMA public TO admin, mle_user_role;

GRANT SELECT ON ALL TABLES IN SCHEMA public TO ds_user_role;
GRANT ALL ON ALL TABLES IN SCHEMA public TO admin, mle_user_role;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO admin, mle_user_role;

-- Tables that are made later, or dropped and made again, get the same grants at birth.
ALTER DEFAULT PRIVILEGES FOR ROLE admin, mle_user, CURRENT_USER IN SCHEMA public
    GRANT SELECT ON TABLES TO ds_user_role;
ALTER DEFAULT PRIVILEGES FOR ROLE admin, mle_user, CURRENT_USER IN SCHEMA public
    GRANT ALL ON TABLES TO admin, mle_user_role;
ALTER DEFAULT PRIVILEGES FOR ROLE admin, mle_user, CURRENT_USER IN SCHEMA public
    GRANT ALL ON SEQUENCES TO admin, mle_user_role;
