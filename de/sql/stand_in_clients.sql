-- Clients of a company that is all made up: psql variable `clients`. Runs after stand_in_recipe.sql.
INSERT INTO pg_temp.stand_in_clients SELECT generate_series(0, :'clients'::bigint - 1);
