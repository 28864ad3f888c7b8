-- The company's five stores.
INSERT INTO stores VALUES (1, 'New York'), (2, 'Lisbon'), (3, 'London'), (4, 'Berlin'), (5, 'Paris');

COMMENT ON TABLE stores IS 'generated, seed '
    :'seed';
