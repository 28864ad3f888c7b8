-- First start of the database: the DE's roles, with the passwords of the environment. `\getenv` reads them
-- inside psql, so that they are in no command line.
\getenv admin_password POSTGRES_PASSWORD
\getenv ds_password DS_DB_PASSWORD
\getenv mle_password MLE_DB_PASSWORD
\i /de/setup_users.sql
