-- One to four spells of activity per client. Runs after stand_in_recipe.sql.
-- Spell n starts between 180 n and 180 n + 179 days after the first
-- possible day, so the starts are in order, and each spell ends where the next begins.
INSERT INTO customer_activity
SELECT
    idx,
    started,
    lead(started) OVER (PARTITION BY idx ORDER BY spell),
    pg_temp.uniform(digest, 1),
    1 + floor(5 * pg_temp.uniform(digest, 14))::int
FROM (
    SELECT
        idx,
        spell,
        digest,
        -- The last six hex digits: independent of the 26 that scd_a and scd_b use.
        date '2020-01-01' + 180 * spell + ('x' || substr(digest, 27, 6))::bit(24)::int % 180 AS started
    FROM (
        SELECT idx, spell, pg_temp.digest('activity', 4 * idx + spell) AS digest
        FROM pg_temp.stand_in_clients,
            generate_series(0, floor(4 * pg_temp.uniform(pg_temp.digest('spells', idx), 1))::int) AS spell
        OFFSET 0
    ) AS digests
) AS spells
ORDER BY idx, spell;

COMMENT ON TABLE customer_activity IS 'generated, seed '
    :'seed';
