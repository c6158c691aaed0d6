/* luhn--1.0.sql */

\echo Use "CREATE EXTENSION luhn" to load this file. \quit

CREATE FUNCTION luhn_sum(digits text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
	SELECT coalesce(sum(CASE WHEN position % 2 = 1 THEN digit
						ELSE digit * 2 - CASE WHEN digit > 4 THEN 9 ELSE 0 END END), 0)
	FROM (SELECT position, substr(digits, length(digits) - position::integer + 1, 1)::integer AS digit
		  FROM generate_series(1, length(digits)) AS position) AS d);

CREATE FUNCTION luhn_valid(digits text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN digits ~ '^[0-9]+$' THEN luhn_sum(digits) % 10 = 0 ELSE false END;

COMMENT ON FUNCTION luhn_sum(text) IS 'Sum of the digits after Luhn, from the right';
COMMENT ON FUNCTION luhn_valid(text) IS 'True if the last digit is the check digit of the others';
