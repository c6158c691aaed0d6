# Copyright (c) 2026, the pg_cmig developers

# Random statements change audited tables of all kinds; then cmig.audit_as_of() must return each
# of them as it was after each transaction.
#
# CMIG_STATEMENTS is the number of statements, and CMIG_SEED is the seed.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $statements = $ENV{CMIG_STATEMENTS} || 600;
my $seed = $ENV{CMIG_SEED} // 20261129;
srand($seed);
note("CMIG_SEED=$seed");

sub pick { return $_[ int rand @_ ] }
sub chance { return rand() < $_[0] }
sub id { return 1 + int rand 12 }

my $text = sub { return pick('NULL', q{''}, q{'a'}, q{'it''s \\ "q" {x,y} [1]'}, q{'é€'}, q{'NULL'}, q{'null'}, q{'5'}, q{E'line\nbreak\ttab'}, 'repeat(md5(random()::text), ' . pick(1, 400) . ')') };
sub one_of { my @values = ('NULL', @_); return sub { pick(@values) } }

# Values that jsonb can represent: not, for example, a json value that is null, or the lower bound of an array.
my %values = (
	t => $text,
	n => one_of(qw(0 0.10 0.1 1e30 -1.50 1 1.0 'NaN' 'Infinity' 123456789012345678901234567890.1234567890)),
	f => one_of('0', q{'NaN'}, q{'-Infinity'}, '0.1 + 0.2', '1e300', '5e-324', 'random()'),
	r => one_of('0.1', '1.0 / 3', q{'Infinity'}),
	b => one_of(q{'\x'}, q{'\x00ff5c'}),
	ts => one_of(q{'infinity'}, q{'2026-03-29 01:30:00+00'}, q{'0044-03-15 BC'}, q{'2026-01-01 00:00:00.123456+05:30'}, 'now()'),
	d => one_of(q{'-infinity'}, q{'0001-01-01 BC'}, q{'5874897-12-31'}),
	iv => one_of(q{'1 mon 2 days -03:04:05.6'}, q{'1 day 24:00'}, q{'24:00:00'}),
	ar => one_of(q{'{}'}, q{'{1,NULL,3}'}, q{'{{1,2},{3,4}}'}),
	ta => one_of(q{'{}'}, q{'{"a b","NULL",NULL,"\"x\\\\"}'}, q{'{""}'}),
	j => one_of(q{'{"a": 1}'}, q{'[1, 2.50]'}, q{'"x"'}),
	jb => one_of(q{'{"b":1,"a":[null,{}]}'}, q{'1.00'}, q{'""'}, q{'[]'}),
	e => one_of(q{'x'}, q{'y z'}, q{'"q"'}),
	c => one_of('ROW(NULL, NULL)', q{ROW(2, 'a,b"(')}),
	dm => one_of(q{''}, q{' '}),
	rg => one_of(q{'empty'}, q{'[1,5)'}, q{'(,)'}),
	ch => one_of(q{''}, q{' a  b'}),
	bt => one_of(q{B'101'}),
	ip => one_of(q{'::1'}, q{'10.0.0.0/8'}));

my $node = new_node('audit_random', "timezone = 'UTC'");
$node->start;
$node->safe_psql('postgres', q{CREATE EXTENSION pg_cmig;
CREATE TYPE en AS ENUM ('x', 'y z', '"q"'); CREATE TYPE comp AS (p int, q text); CREATE DOMAIN dom AS text CHECK (length(VALUE) < 50);
CREATE TABLE a (id int PRIMARY KEY, t text, n numeric, f float8, r real, b bytea, ts timestamptz, d date, iv interval, ar int[], ta text[], j json, jb jsonb, e en, c comp, dm dom, rg int4range, ch char(5), bt bit(3), ip inet);
CREATE TABLE keyless (t text, n int);
CREATE TABLE part (id int, k int, t text, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE part1 PARTITION OF part FOR VALUES IN (1);
CREATE TABLE part2 (t text, k int NOT NULL, id int NOT NULL); ALTER TABLE part ATTACH PARTITION part2 FOR VALUES IN (2);
CREATE TABLE part3 PARTITION OF part DEFAULT;
CREATE TABLE swapped (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, t text, n int);
CREATE TABLE child (id int PRIMARY KEY, a int REFERENCES a ON DELETE SET NULL ON UPDATE CASCADE, a2 int REFERENCES a ON DELETE CASCADE ON UPDATE CASCADE, g int GENERATED ALWAYS AS (a * 2) STORED);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
	IF NEW.n = 7 THEN RETURN NULL; END IF;
	IF pg_trigger_depth() < 2 AND NEW.n = 8 THEN UPDATE swapped SET n = 9 WHERE id = NEW.id + 1; END IF;
	NEW.t := concat(left(NEW.t, 9), 'f');
	RETURN NEW;
END$$;
CREATE TRIGGER f BEFORE INSERT OR UPDATE ON swapped FOR EACH ROW EXECUTE FUNCTION f();
CREATE TABLE seen (number serial, tab regclass, at timestamptz, rows text[]);
CREATE FUNCTION look() RETURNS void LANGUAGE plpgsql AS $$DECLARE
	t regclass;
	at timestamptz;
	r text[];
BEGIN
	PERFORM pg_sleep(0.001);
	at := clock_timestamp();
	PERFORM pg_sleep(0.001);
	FOREACH t IN ARRAY '{a,keyless,part,swapped,child}'::regclass[] LOOP
		EXECUTE format('SELECT ARRAY(SELECT x::text FROM %s x ORDER BY x::text COLLATE "C")', t) INTO r;
		INSERT INTO seen (tab, at, rows) VALUES (t, at, r);
	END LOOP;
END$$});

# Rows that exchange their keys are told apart by whole rows only.
foreach my $table (qw(a keyless part swapped child))
{
	my @options = ('level => ' . pick(q{'auto'}, q{'row'}, q{'statement'}), $table eq 'swapped' ? () : 'image => ' . pick(q{'row'}, q{'changes'}));

	note("$table: @options");
	$node->safe_psql('postgres', "SELECT FROM cmig.enable_audit('$table', " . join(', ', @options) . ')');
}

my %kinds = (
	a => sub {
		my @columns = grep { chance(0.3) } sort keys %values;

		@columns = ('t') if !@columns;
		return pick(
			'INSERT INTO a (' . join(', ', 'id', @columns) . ') VALUES (' . join(', ', id(), map { $values{$_}->() } @columns) . ') ON CONFLICT (id) DO UPDATE SET ' . "$columns[0] = EXCLUDED.$columns[0]",
			'INSERT INTO a (id, t) SELECT i, ' . $text->() . ' FROM generate_series(20, 23) i ON CONFLICT DO NOTHING',
			('UPDATE a SET ' . join(', ', map { "$_ = " . $values{$_}->() } @columns) . ' WHERE id % ' . pick(1 .. 4) . ' = 0') x 3,
			'UPDATE a SET id = id + ' . pick(100, -100, 1) . ' WHERE id = ' . id(), 'DELETE FROM a WHERE id = ' . id());
	},
	keyless => sub {
		return pick('INSERT INTO keyless SELECT ' . $text->() . ', i FROM generate_series(1, ' . pick(1 .. 3) . ') i', 'UPDATE keyless SET t = ' . $text->() . pick('', ', n = n + 1') . ' WHERE n = ' . pick(1 .. 4),
			'DELETE FROM keyless WHERE ctid IN (SELECT ctid FROM keyless ORDER BY random() LIMIT 2)', q{MERGE INTO keyless k USING (SELECT 2 AS n) x ON k.n = x.n WHEN MATCHED AND k.t IS NULL THEN DELETE WHEN MATCHED THEN UPDATE SET t = NULL WHEN NOT MATCHED THEN INSERT VALUES ('m', 2)});
	},
	part => sub {
		return pick('INSERT INTO part VALUES (' . id() . ', ' . pick(1 .. 4) . ', ' . $text->() . ') ON CONFLICT (id, k) DO UPDATE SET t = EXCLUDED.t', 'UPDATE part SET t = ' . $text->() . ' WHERE id % 2 = ' . pick(0, 1),
			'UPDATE part SET k = ' . pick(1 .. 4) . pick('', q{, t = 'moved'}) . ' WHERE id = ' . id(), 'DELETE FROM part WHERE id = ' . id(), 'WITH d AS (DELETE FROM part WHERE id = ' . id() . ' RETURNING *) INSERT INTO part SELECT id + 50, k, t FROM d ON CONFLICT DO NOTHING');
	},
	swapped => sub {
		return pick('INSERT INTO swapped VALUES (' . id() . ', ' . $text->() . ', ' . pick(1 .. 9) . ')', 'UPDATE swapped SET id = ' . id() . ' - id WHERE id IN (' . id() . ', ' . id() . ')', 'UPDATE swapped SET n = ' . pick(1 .. 9) . ', t = ' . $text->() . ' WHERE id = ' . id(),
			'UPDATE swapped SET id = CASE id WHEN 1 THEN 2 ELSE 1 END WHERE id IN (1, 2)', 'DELETE FROM swapped WHERE id = ' . id());
	},
	child => sub {
		return pick('INSERT INTO child SELECT ' . id() . ', (SELECT max(id) FROM a), (SELECT min(id) FROM a WHERE id > 3) ON CONFLICT (id) DO UPDATE SET a = EXCLUDED.a', 'UPDATE child SET a = (SELECT min(id) FROM a) WHERE id = ' . id(), 'DELETE FROM child WHERE id = ' . id());
	});

my $script = "SELECT look();\n";
for (my $n = 0; $n < $statements;)
{
	my $block = chance(0.5);

	$script .= "BEGIN;\n" if $block;
	foreach (1 .. ($block ? pick(1 .. 5) : 1))
	{
		my $sql = $kinds{ pick(sort keys %kinds) }->() . ";\n";

		$script .= $block ? "SAVEPOINT s;\n$sql\\if :ERROR\nROLLBACK TO s;\n\\endif\n" . (chance(0.2) ? "ROLLBACK TO s;\n" : '') : $sql;
		$n++;
	}
	$script .= pick(('COMMIT') x 4, 'ROLLBACK') . ";\n" if $block;
	$script .= "SELECT look();\n" if chance(0.6);
}
$node->psql('postgres', $script, on_error_stop => 0);

my $looks = $node->safe_psql('postgres', 'SELECT count(*) FROM seen');
cmp_ok($looks, '>', $statements / 2, 'the tables were looked at');
is($node->safe_psql('postgres', q{SET client_min_messages = error; DO $$DECLARE
	s seen;
	r text[];
BEGIN
	FOR s IN SELECT * FROM seen ORDER BY number LOOP
		EXECUTE format('SELECT ARRAY(SELECT x::text FROM cmig.audit_as_of(NULL::%s, $1) x ORDER BY x::text COLLATE "C")', s.tab) INTO r USING s.at;
		UPDATE seen SET rows = r WHERE number = s.number AND rows IS DISTINCT FROM r;
		IF FOUND THEN
			RAISE EXCEPTION '% was different at %: % instead of %', s.tab, s.number, r, s.rows;
		END IF;
	END LOOP;
END$$; SELECT 'as it was'}), 'as it was', 'cmig.audit_as_of() returns what was there');

done_testing();
