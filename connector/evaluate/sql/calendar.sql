-- Every day of some decades, whether it is worked, and how many worked days there are up to and with it.
CREATE OR REPLACE TEMP TABLE calendar AS
WITH days AS (
    SELECT CAST(d AS DATE) AS day FROM range(DATE '1990-01-01', DATE '2070-01-01', INTERVAL 1 DAY) AS t (d)
), marked AS (
    SELECT day, isodow(day) - 1 NOT IN (SELECT weekday FROM weekend) AND day NOT IN (SELECT day FROM holidays) AS working
    FROM days
)
SELECT day, working, CAST(sum(CAST(working AS INTEGER)) OVER (ORDER BY day) AS BIGINT) AS n FROM marked
