-- Scenario signal: labels from a logistic model whose effects, on the logit scale and in the raw
-- units of the features, are written down in signal_truth. A level that is not there, in profiles that the
-- company gave, has no effect. Runs after stand_in_recipe.sql, on filled profiles and activity.
CREATE TABLE signal_truth (term text, level text, value float8);

INSERT INTO signal_truth VALUES
    ('Intercept', NULL, -3.4),
    ('scd_a', NULL, 1.2),
    ('scd_b', NULL, .15),
    ('1|attr_a', '1', .4), ('1|attr_a', '2', -.6), ('1|attr_a', '3', .1),
    ('1|attr_a', '4', -.3), ('1|attr_a', '5', .4),
    ('1|attr_b', 'a', -.5), ('1|attr_b', 'b', .3), ('1|attr_b', 'c', -.1), ('1|attr_b', 'd', .3);

INSERT INTO labels
SELECT
    idx,
    (pg_temp.uniform(pg_temp.digest('label', idx), 1) < 1 / (1 + exp(-(
        intercept.value
        + slope_a.value * scd_a
        + slope_b.value * scd_b
        + coalesce(group_a.value, 0)
        + coalesce(group_b.value, 0)
    ))))::int
FROM customer_profiles
JOIN customer_activity USING (idx)
JOIN signal_truth AS intercept ON intercept.term = 'Intercept'
JOIN signal_truth AS slope_a ON slope_a.term = 'scd_a'
JOIN signal_truth AS slope_b ON slope_b.term = 'scd_b'
LEFT JOIN signal_truth AS group_a ON group_a.term = '1|attr_a' AND group_a.level = attr_a::text
LEFT JOIN signal_truth AS group_b ON group_b.term = '1|attr_b' AND group_b.level = attr_b::text
WHERE valid_to IS NULL
ORDER BY idx;

COMMENT ON TABLE labels IS 'generated, seed '
    :'seed'
    ', scenario signal';
