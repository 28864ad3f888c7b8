-- Scenario no-signal: 9.1 % positive labels, independent of everything. Runs after stand_in_recipe.sql.
INSERT INTO labels
SELECT idx, (pg_temp.uniform(pg_temp.digest('label', idx), 1) < .091)::int
FROM pg_temp.stand_in_clients;

COMMENT ON TABLE labels IS 'generated, seed '
    :'seed'
    ', scenario no-signal';
