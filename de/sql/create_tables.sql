-- The source tables, column by column as the CSV files have them. Existing tables and rows stay.
CREATE TABLE IF NOT EXISTS customer_profiles (idx int, attr_a int, attr_b char(1), attr_c varchar(3));

-- One row per spell of activity, [valid_from, valid_to); a NULL valid_to marks the current one.
CREATE TABLE IF NOT EXISTS customer_activity (
    idx int, valid_from date, valid_to date, scd_a float8, scd_b int
);

CREATE TABLE IF NOT EXISTS labels (idx int, label int);
CREATE TABLE IF NOT EXISTS stores (idx int, location varchar);
CREATE TABLE IF NOT EXISTS sales (idx int, value float8, date date, store_idx int);
