-- The objects that more-cases.jsonl names.
CREATE TABLE city (id bigint PRIMARY KEY, name text);
INSERT INTO city SELECT g, 'c' || g FROM generate_series(1, 50) g;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN code AS text; CREATE DOMAIN strict AS text CHECK (length(VALUE) > 1);
CREATE TABLE customer (id bigint PRIMARY KEY, email text NOT NULL, nick varchar(40), city bigint, joined timestamptz NOT NULL DEFAULT now(), made timestamp, amount numeric(10,2), n int, m mood, code code, note varchar(20) CHECK (length(note) > 0), raw json, len int);
INSERT INTO customer (id, email, nick, city, amount, n, m, note) SELECT g, 'c' || g, 'n' || g, g % 50 + 1, 1, g, 'ok', 'x' FROM generate_series(1, 300) g;
CREATE INDEX customer_nick ON customer (nick);
CREATE TABLE orders (id bigint NOT NULL, customer bigint REFERENCES customer, total numeric);
INSERT INTO orders SELECT g, g, 1 FROM generate_series(1, 300) g;
CREATE UNIQUE INDEX orders_id ON orders (id); CREATE UNIQUE INDEX orders_customer ON orders (customer);
CREATE TABLE bare (id bigint, v text);
CREATE TABLE part (id bigint NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
INSERT INTO part SELECT g, '2024-02-01' FROM generate_series(1, 100) g;
CREATE VIEW rich AS SELECT id, nick FROM customer;
CREATE MATERIALIZED VIEW sums AS SELECT city, count(*) AS n FROM customer GROUP BY city; CREATE UNIQUE INDEX ON sums (city);
CREATE SCHEMA shop; CREATE TABLE shop.item (id bigint PRIMARY KEY, name text); INSERT INTO shop.item SELECT g, 'x' FROM generate_series(1, 50) g;
CREATE SEQUENCE counter;
