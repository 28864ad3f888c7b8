-- Scenario no-signal: 9.1 % positive labels, independent of everything. Runs after stand_in_data.sql.
INSERT INTO labels
SELECT idx, (pg_temp.uniform(pg_temp.digest('label', idx), 1) < .091)::int
FROM generate_series(0, :'clients'::bigint - 1) AS idx;
