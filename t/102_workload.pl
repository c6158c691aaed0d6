# Copyright (c) 2026, the pg_cmig developers

# cmig.workload_check tells before an upgrade what really happens to queries: each change
# is made in a populated database, the queries run there as prepared statements, and all
# is rolled back.
#
# With CMIG_VERBOSE, shows each query that was judged otherwise.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('workload', 'autovacuum = off', 'jit = off', 'plan_cache_mode = force_generic_plan', "default_statistics_target = 100");
$node->start;

$node->safe_psql('postgres', <<'END_SQL');
CREATE EXTENSION pg_cmig;
CREATE TYPE state AS ENUM ('new', 'paid', 'sent', 'done');
CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');
CREATE TABLE customer (id int PRIMARY KEY, email email NOT NULL UNIQUE, name varchar(80) NOT NULL, country char(2), note text, born date, active bool NOT NULL DEFAULT true);
CREATE TABLE product (id serial PRIMARY KEY, sku text NOT NULL UNIQUE, price numeric(10,2) NOT NULL, tags text[] NOT NULL DEFAULT '{}', data jsonb, old_name text);
CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES customer, state state NOT NULL DEFAULT 'new', at timestamptz NOT NULL DEFAULT now(), total numeric NOT NULL DEFAULT 0);
CREATE TABLE line (orders int NOT NULL REFERENCES orders, number int NOT NULL, product int NOT NULL REFERENCES product, n int NOT NULL DEFAULT 1, PRIMARY KEY (orders, number));
CREATE TABLE event (id bigint GENERATED ALWAYS AS IDENTITY, at date NOT NULL, kind text, customer int) PARTITION BY RANGE (at);
CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE event_2 PARTITION OF event FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE INDEX customer_lower ON customer (lower(name));
CREATE INDEX orders_customer ON orders (customer, at DESC);
CREATE INDEX orders_open ON orders (at) WHERE state IN ('new', 'paid');
CREATE INDEX line_product ON line (product);
CREATE INDEX product_tags ON product USING gin (tags);
CREATE INDEX event_customer ON event (customer);
CREATE VIEW open_order AS SELECT o.id, o.at, c.email, c.name FROM orders o JOIN customer c ON c.id = o.customer WHERE o.state IN ('new', 'paid');
CREATE FUNCTION label(c customer) RETURNS text LANGUAGE sql STABLE AS 'SELECT c.name || '' <'' || c.email || ''>''';
CREATE FUNCTION discount(n int) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN CASE WHEN n > 10 THEN 0.9 ELSE 1 END; END';
INSERT INTO customer SELECT g, 'c' || g || '@example.com', 'Name ' || g, (ARRAY['DE', 'FR', 'US'])[g % 3 + 1], repeat('x', 40), '1980-01-01'::date + g % 9000, g % 20 <> 0 FROM generate_series(1, 5000) g;
INSERT INTO product SELECT g, 'sku' || g, g % 100 + 0.5, ARRAY['t' || g % 50, 'u' || g % 7], jsonb_build_object('k', g % 10), 'old' FROM generate_series(1, 1000) g;
INSERT INTO orders SELECT g, g % 5000 + 1, (ARRAY['new', 'paid', 'sent', 'done', 'done', 'done', 'done', 'done'])[g % 8 + 1]::state, '2026-01-01'::timestamptz + g * interval '1 min', g % 500 FROM generate_series(1, 30000) g;
INSERT INTO line SELECT g / 2 + 1, g % 2, g % 1000 + 1, g % 5 + 1 FROM generate_series(0, 59999) g;
SELECT setval('product_id_seq', 2000);
INSERT INTO event (at, kind, customer) SELECT '2026-01-01'::date + g % 59, (ARRAY['view', 'click', 'buy'])[g % 3 + 1], g % 5000 + 1 FROM generate_series(1, 30000) g;
VACUUM ANALYZE;
END_SQL

# queries, with the values with which they really run
my @queries = (
	[ 'SELECT * FROM customer WHERE id = $1', '1' ],
	[ 'SELECT id, email, name FROM customer WHERE id = $1', '1' ],
	[ 'SELECT note FROM customer WHERE id = $1', '1' ],
	[ 'SELECT id FROM customer WHERE email = $1', q{'c1@example.com'} ],
	[ 'SELECT id FROM customer WHERE lower(name) = lower($1)', q{'Name 1'} ],
	[ 'SELECT count(*) FROM customer WHERE country = $1', q{'DE'} ],
	[ 'SELECT count(*) FROM customer WHERE active', '' ],
	[ 'SELECT name FROM customer WHERE born BETWEEN $1 AND $2 ORDER BY born', q{'1990-01-01', '1990-02-01'} ],
	[ 'SELECT c.id, c.name, count(*) FROM customer c JOIN orders o ON o.customer = c.id GROUP BY c.id', '' ],
	[ 'SELECT label(c) FROM customer c WHERE id = $1', '1' ],
	[ 'INSERT INTO customer (id, email, name) VALUES ($1, $2, $3)', q{99999, 'a@b', 'x'} ],
	[ 'INSERT INTO customer (id, email, name) VALUES ($1, $2, $3) ON CONFLICT (email) DO UPDATE SET name = excluded.name', q{99998, 'c1@example.com', 'x'} ],
	[ 'INSERT INTO customer (id, email, name) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING RETURNING id', q{1, 'b@b', 'x'} ],
	[ 'UPDATE customer SET name = $2 WHERE id = $1 RETURNING *', q{1, 'x'} ],
	[ 'UPDATE customer SET note = $2 WHERE id = $1', q{1, 'x'} ],
	[ 'UPDATE customer SET active = $2 WHERE email = $1', q{'c1@example.com', true} ],
	[ 'DELETE FROM customer WHERE id = $1', '-1' ],
	[ 'SELECT * FROM product WHERE sku = $1', q{'sku1'} ],
	[ 'SELECT id, price * discount(5) FROM product WHERE id = $1', '1' ],
	[ 'SELECT sku FROM product WHERE tags @> ARRAY[$1]', q{'t1'} ],
	[ 'SELECT sku FROM product WHERE data @> $1', q{'{"k": 1}'} ],
	[ q{SELECT data->>'k' FROM product WHERE id = $1}, '1' ],
	[ 'SELECT old_name FROM product WHERE id = $1', '1' ],
	[ 'SELECT sum(price) FROM product', '' ],
	[ 'INSERT INTO product (sku, price) VALUES ($1, $2) RETURNING id', q{'new', 1} ],
	[ 'INSERT INTO product (id, sku, price) VALUES ($1, $2, $3)', q{100000, 'new', 1} ],
	[ 'UPDATE product SET price = price * $2 WHERE id = $1', '1, 1.5' ],
	[ 'SELECT max(price) FROM product WHERE id IN (SELECT product FROM line WHERE orders = $1)', '1' ],
	[ 'SELECT * FROM orders WHERE id = $1', '1' ],
	[ 'SELECT id, at FROM orders WHERE customer = $1 ORDER BY at DESC LIMIT 10', '1' ],
	[ 'SELECT id FROM orders WHERE state = $1 LIMIT 100', q{'new'} ],
	[ q{SELECT id FROM orders WHERE state IN ('new', 'paid') AND at < $1 ORDER BY at LIMIT 10}, q{'2026-02-01'} ],
	[ 'SELECT count(*) FROM orders WHERE at >= $1', q{'2026-01-20'} ],
	[ 'SELECT state, count(*), sum(total) FROM orders GROUP BY state', '' ],
	[ 'SELECT o.id, c.name FROM orders o JOIN customer c ON c.id = o.customer WHERE o.id = $1', '1' ],
	[ 'SELECT o.id, l.number, p.sku FROM orders o JOIN line l ON l.orders = o.id JOIN product p ON p.id = l.product WHERE o.customer = $1', '1' ],
	[ 'SELECT c.email FROM customer c WHERE EXISTS (SELECT FROM orders o WHERE o.customer = c.id AND o.total > $1)', '400' ],
	[ 'INSERT INTO orders (id, customer) VALUES ($1, $2)', '99999, 1' ],
	[ 'INSERT INTO orders (id, customer, state, total) VALUES ($1, $2, $3, $4)', q{99999, 1, 'paid', 5} ],
	[ q{UPDATE orders SET state = 'sent' WHERE id = $1}, '1' ],
	[ 'UPDATE orders SET total = (SELECT sum(n) FROM line WHERE orders = $1) WHERE id = $1', '1' ],
	[ 'DELETE FROM orders WHERE id = $1', '-1' ],
	[ 'SELECT * FROM line WHERE orders = $1 ORDER BY number', '1' ],
	[ 'SELECT sum(n) FROM line WHERE product = $1', '1' ],
	[ 'SELECT product, sum(n) FROM line GROUP BY product ORDER BY 2 DESC LIMIT 5', '' ],
	[ 'INSERT INTO line VALUES ($1, $2, $3, $4)', '1, 9, 1, 1' ],
	[ 'INSERT INTO line (orders, number, product) VALUES ($1, $2, $3) ON CONFLICT (orders, number) DO UPDATE SET n = line.n + 1', '1, 1, 1' ],
	[ 'UPDATE line SET n = $3 WHERE orders = $1 AND number = $2', '1, 1, 2' ],
	[ 'SELECT * FROM open_order WHERE email = $1', q{'c1@example.com'} ],
	[ 'SELECT count(*) FROM open_order WHERE at > $1', q{'2026-01-10'} ],
	[ 'SELECT count(*) FROM event WHERE at = $1', q{'2026-01-05'} ],
	[ 'SELECT kind, count(*) FROM event WHERE customer = $1 GROUP BY kind', '1' ],
	[ 'SELECT * FROM event WHERE customer = $1 AND at >= $2', q{1, '2026-02-01'} ],
	[ 'INSERT INTO event (at, kind, customer) VALUES ($1, $2, $3)', q{'2026-01-05', 'x', 1} ],
	[ q{DELETE FROM event WHERE at < '2026-01-02' AND kind = $1}, q{'x'} ],
	[ 'SELECT e.kind, c.name FROM event e JOIN customer c ON c.id = e.customer WHERE e.id = $1', '1' ],
	[ 'SELECT 1', '' ],
	[ 'SELECT id FROM customer ORDER BY id LIMIT 20 OFFSET $1', '100' ],
	[ 'SELECT o.customer FROM orders o LEFT JOIN line l ON l.orders = o.id WHERE l.orders IS NULL', '' ],
	[ 'WITH c AS (SELECT id FROM customer WHERE country = $1) SELECT count(*) FROM orders WHERE customer IN (SELECT id FROM c)', q{'DE'} ],
	[ 'SELECT sku, price FROM product ORDER BY price DESC LIMIT 3', '' ],
	[ 'MERGE INTO product p USING (VALUES ($1, 5.0)) v (sku, price) ON p.sku = v.sku WHEN MATCHED THEN UPDATE SET price = v.price WHEN NOT MATCHED THEN INSERT (sku, price) VALUES (v.sku, v.price)', q{'sku1'} ],
);

my $view = q{CREATE VIEW open_order AS SELECT o.id, o.at, c.email, c.name FROM orders o JOIN customer c ON c.id = o.customer WHERE o.state IN ('new', 'paid')};
my @changes = (
	'ALTER TABLE customer DROP COLUMN note',
	'ALTER TABLE customer ADD COLUMN phone text',
	q{ALTER TABLE customer ADD COLUMN phone text NOT NULL DEFAULT ''},
	q{ALTER TABLE customer ADD COLUMN phone text; UPDATE customer SET phone = ''; ALTER TABLE customer ALTER phone SET NOT NULL},
	'ALTER TABLE customer RENAME COLUMN name TO full_name',
	"DROP VIEW open_order; ALTER TABLE customer ALTER name TYPE text; $view",
	"DROP VIEW open_order; ALTER TABLE customer ALTER name TYPE varchar(100); $view",
	"DROP VIEW open_order; ALTER TABLE customer ALTER id TYPE bigint; $view",
	'DROP INDEX customer_lower',
	'ALTER TABLE customer DROP CONSTRAINT customer_email_key',
	'CREATE INDEX ON customer (country)',
	'CREATE INDEX ON customer (born)',
	'DROP FUNCTION label',
	'CREATE OR REPLACE FUNCTION label(c customer) RETURNS text LANGUAGE sql STABLE AS \'SELECT c.name::text\'',
	'ALTER TABLE product DROP COLUMN old_name',
	'DROP INDEX product_tags',
	'CREATE INDEX ON product USING gin (data)',
	'CREATE INDEX ON product (price)',
	'ALTER TABLE product ALTER price TYPE numeric(12,2)',
	'ALTER TABLE product ALTER price TYPE float8',
	'ALTER TABLE product ALTER data TYPE json',
	'ALTER TABLE product ALTER id DROP DEFAULT; DROP SEQUENCE product_id_seq; ALTER TABLE product ALTER id ADD GENERATED ALWAYS AS IDENTITY (START 5000)',
	'DROP INDEX orders_customer',
	'DROP INDEX orders_open',
	"DROP VIEW open_order; ALTER TABLE orders ALTER customer TYPE bigint; $view",
	"DROP VIEW open_order; ALTER TABLE orders DROP CONSTRAINT orders_customer_fkey; ALTER TABLE orders ALTER customer TYPE numeric; $view",
	"DROP VIEW open_order; ALTER TABLE orders ALTER id TYPE bigint; $view",
	'ALTER TABLE orders RENAME TO purchase',
	'CREATE INDEX ON orders (state)',
	'CREATE INDEX ON orders (at)',
	'CREATE INDEX ON orders (total)',
	'CREATE INDEX ON line (n) INCLUDE (product)',
	'CREATE INDEX ON event (at, kind, customer)',
	'ALTER TABLE orders ADD COLUMN at_day date GENERATED ALWAYS AS ((at AT TIME ZONE \'UTC\')::date) STORED',
	'ALTER TABLE orders ALTER at DROP DEFAULT',
	'ALTER TABLE orders ALTER total DROP DEFAULT',
	'DROP INDEX line_product',
	'ALTER TABLE line DROP CONSTRAINT line_pkey',
	'ALTER TABLE line DROP CONSTRAINT line_pkey; ALTER TABLE line ADD PRIMARY KEY (number, orders)',
	'ALTER TABLE line ADD COLUMN orders_id int',
	'ALTER TABLE line RENAME COLUMN n TO quantity',
	'DROP VIEW open_order',
	'DROP VIEW open_order; CREATE VIEW open_order AS SELECT o.id, o.at, c.email FROM orders o JOIN customer c ON c.id = o.customer WHERE o.state IN (\'new\', \'paid\')',
	'DROP INDEX event_customer',
	q{CREATE TABLE event_3 PARTITION OF event FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')},
	'ALTER TABLE event DETACH PARTITION event_2',
	'ALTER TABLE event ALTER customer TYPE bigint',
	'ALTER TABLE customer DROP CONSTRAINT customer_pkey CASCADE',
	'DROP FUNCTION discount',
	'CREATE TABLE extra (id int PRIMARY KEY); CREATE INDEX ON extra (id)',
);

# What really happens: a change is made, and each prepared statement runs and is explained.
$node->safe_psql('postgres', <<'END_SQL');
CREATE TABLE asked (number int PRIMARY KEY, query text, args text);
CREATE TABLE told (change int, number int, verdict text, sqlstate text, before float8, after float8);
CREATE TABLE truth (change int, number int, verdict text, sqlstate text, before float8, after float8);
CREATE FUNCTION look(q asked, OUT state text, OUT cost float8, OUT shape text) LANGUAGE plpgsql AS $$
DECLARE
  call text := format('EXECUTE q%s%s', q.number, '(' || nullif(q.args, '') || ')');
  plan json;
  line text;
BEGIN
  BEGIN
    EXECUTE call;
    RAISE EXCEPTION USING ERRCODE = 'ZZ000';
  EXCEPTION WHEN OTHERS THEN
    state := nullif(SQLSTATE, 'ZZ000');
  END;
  IF state IS NOT NULL THEN
    RETURN;
  END IF;
  EXECUTE 'EXPLAIN (FORMAT json) ' || call INTO plan;
  cost := plan->0->'Plan'->>'Total Cost';
  shape := '';
  FOR line IN EXECUTE 'EXPLAIN (COSTS off) ' || call LOOP
    shape := shape || E'\n' || line;
  END LOOP;
END $$;
CREATE PROCEDURE make(change int, sql text) LANGUAGE plpgsql AS $$
DECLARE
  q asked;
  was record;
  is_now record;
  rows truth[];
  befores jsonb := '{}';
BEGIN
  FOR q IN SELECT * FROM asked ORDER BY number LOOP
    SELECT * INTO was FROM look(q);
    befores := befores || jsonb_build_object(q.number, to_jsonb(was));
  END LOOP;
  BEGIN
    EXECUTE sql;
    ANALYZE;
    FOR q IN SELECT * FROM asked ORDER BY number LOOP
      SELECT * INTO was FROM jsonb_to_record(befores->q.number::text) x (state text, cost float8, shape text);
      SELECT * INTO is_now FROM look(q);
      rows := rows || ROW(change, q.number, CASE WHEN is_now.state = '0A000' THEN 'changes_result' WHEN is_now.state IS NOT NULL THEN 'breaks'
        WHEN is_now.shape = was.shape OR is_now.cost < 2 * was.cost AND was.cost < 2 * is_now.cost THEN 'same_plan'
        WHEN is_now.cost > was.cost THEN 'slower' ELSE 'faster' END, is_now.state, was.cost, is_now.cost)::truth;
    END LOOP;
    RAISE EXCEPTION USING ERRCODE = 'ZZ001';
  EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
    NULL;
  END;
  INSERT INTO truth SELECT * FROM unnest(rows);
END $$;
END_SQL

my $prepare = '';
my $store = '';
foreach my $i (0 .. $#queries)
{
	my ($query, $args) = @{ $queries[$i] };

	$prepare .= "PREPARE q$i AS $query;\n";
	$store .= "INSERT INTO asked VALUES ($i, \$text\$$query\$text\$, \$text\$$args\$text\$);\n";
}
$node->safe_psql('postgres', $store);
my $run = $prepare;
foreach my $i (0 .. $#changes)
{
	$run .= "CALL make($i, \$text\$$changes[$i]\$text\$);\n";
}
$node->safe_psql('postgres', $run);

# the truth is that after ANALYZE
foreach my $i (0 .. $#changes)
{
	$node->safe_psql('postgres', "DELETE FROM cmig.revision; INSERT INTO cmig.revision (revision, upgrade_sql) VALUES ('001', \$text\$$changes[$i];\$text\$);"
		  . "INSERT INTO told SELECT $i, number, CASE WHEN detail LIKE 'until ANALYZE%' THEN 'same_plan' ELSE verdict END, sqlstate, cost_before, cost_after FROM cmig.workload_check(queries => ARRAY(SELECT query FROM asked ORDER BY number)) w JOIN asked USING (query)");
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM told'), @queries * @changes, 'each query is judged after each change');
is($node->safe_psql('postgres', q{SELECT count(*) FROM told WHERE verdict = 'not_judged'}), '0', 'every one of them');
foreach my $verdict ('breaks', 'changes_result')
{
	my $wrong = $node->safe_psql('postgres', "SELECT t.change, t.number, t.verdict, x.verdict, x.sqlstate FROM truth x JOIN told t USING (change, number)"
		  . " WHERE (x.verdict = '$verdict') <> (t.verdict = '$verdict') ORDER BY 1, 2");
	is($wrong, '', $verdict) or show($wrong);
}
my $count = $node->safe_psql('postgres', q{SELECT count(*) FILTER (WHERE verdict = 'breaks') > 40, count(*) FILTER (WHERE verdict = 'changes_result') > 20,
	count(*) FILTER (WHERE verdict = 'slower') > 20, count(*) FILTER (WHERE verdict = 'faster') > 2 FROM truth});
is($count, 't|t|t|t', 'there are enough of each');

my $others = $node->safe_psql('postgres', q{SELECT t.change, t.number, t.verdict, x.verdict, round(t.before), round(x.before), round(t.after), round(x.after) FROM truth x JOIN told t USING (change, number)
	WHERE x.verdict <> t.verdict ORDER BY 1, 2});
show($others) if $ENV{CMIG_VERBOSE};
my ($right, $false) = split /\|/, $node->safe_psql('postgres', q{SELECT avg((x.verdict = t.verdict)::int), avg((x.verdict = 'same_plan' AND t.verdict <> 'same_plan')::int) FROM truth x JOIN told t USING (change, number)});
note "$right right, $false false alarms";
cmp_ok($right, '>=', 0.95, 'at least 95 percent of the verdicts are right');
cmp_ok($false, '<=', 0.01, 'at most 1 percent are false alarms');
# the rare verdicts alone: of the plans that get slower or faster, and of those that are told
my ($found, $told) = split /\|/, $node->safe_psql('postgres', q{SELECT avg((x.verdict = t.verdict)::int) FILTER (WHERE x.verdict IN ('slower', 'faster')),
	avg((x.verdict = t.verdict)::int) FILTER (WHERE t.verdict IN ('slower', 'faster')) FROM truth x JOIN told t USING (change, number)});
note "$found of the changed plans found, $told of those told";
cmp_ok($found, '>=', 0.95, 'at least 95 percent of the plans that change are found');
cmp_ok($told, '>=', 0.9, 'and at least 90 percent of those that are told change');
my $costs = $node->safe_psql('postgres', 'SELECT avg((abs(ln((t.before + 1) / (x.before + 1))) < 0.1)::int), avg((abs(ln((t.after + 1) / (x.after + 1))) < 0.2)::int) FROM truth x JOIN told t USING (change, number)');
note "costs near: $costs";

sub show
{
	foreach my $line (split /\n/, shift)
	{
		my ($change, $number, @rest) = split /\|/, $line;

		diag("$changes[$change]\n  $queries[$number][0]\n  told @rest");
	}
}

done_testing();
