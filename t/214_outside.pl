# Copyright (c) 2026, the pg_cmig developers

# If only some of the schemas are compared, what is in the others stays as it is: cmig.diff refuses a change
# that an object there prevents, before it shows any statement that cannot be run.
#
# CMIG_ROUNDS is the number of pairs of schemas, and CMIG_SEED is the seed of the first one.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SchemaGenerator;
use Test::More;

my $rounds = $ENV{CMIG_ROUNDS} || 12;
my $seed = $ENV{CMIG_SEED} // 1;
note("CMIG_SEED=$seed");

my $node = new_node('outside', 'client_min_messages = warning', 'fsync = off', 'max_locks_per_transaction = 512');
$node->start;
$node->safe_psql('postgres', qq{CREATE ROLE $_}) foreach 'regress_diff_a', 'regress_diff_b', '"regress diff ""c"""';

sub try_sql
{
	my ($sql) = @_;
	my ($out, $err);
	my $status = $node->psql('outside', $sql, stdout => \$out, stderr => \$err, on_error_stop => 1);

	return $status == 0 ? ('', $out) : ($err || "status $status", $out);
}

my $tag = '$target$';

# names(LIST): an array in SQL
sub names
{
	return 'ARRAY[' . join(', ', map { my $n = $_; utf8::encode($n); $n =~ s/'/''/g; "'$n'" } @{ $_[0] }) . ']::text[]';
}

my %results;
my @kinds = (qw(table table table key key index check foreign_key foreign_key foreign_key view view view matview
	  function function trigger sequence enum domain composite range policy rule statistics
	  owned_by cast aggregate procedure collation));

# round(SEED): returns what has happened, and details
sub round
{
	my ($this) = @_;
	my ($all, $before, $after, $some, $others, @changes) =
	  SchemaGenerator::parts($this, kinds => \@kinds, size => 30, changes => 6);
	my $options = 'schemas => ' . names($some) . ', owners => true';
	my $outside = 'SELECT cmig.schema_sql(schemas => ' . names($others) . ', owners => true)';
	my ($error, $rows, $was, $is);
	my @log = ("-- $this: @changes\n");

	return ('nothing changed') if $before eq $after;
	$node->safe_psql('postgres', 'DROP DATABASE IF EXISTS outside');
	new_database($node, 'outside');
	($error) = try_sql("BEGIN; $all; COMMIT");
	return ('does not load', $error) if $error ne '';
	($error, $was) = try_sql($outside);
	return ('schema_sql', $error) if $error ne '';

	($error, $rows) = try_sql("SELECT count(*) FROM cmig.diff($tag$before$tag, $options)");
	return ('own target fails', $error) if $error ne '';
	return ('own target differs', (try_sql("SELECT * FROM cmig.diff($tag$before$tag, $options)"))[1]) if $rows ne '0';

	# what is below a table that is compared, or a table of a type, changes with it
	my $shared = (try_sql('SELECT count(*) FROM (SELECT inhrelid, inhparent FROM pg_inherits UNION ALL'
		. ' SELECT c.oid, t.typrelid FROM pg_class c JOIN pg_type t ON t.oid = c.reloftype) i JOIN pg_class c ON c.oid = i.inhrelid'
		. ' JOIN pg_class p ON p.oid = i.inhparent'
		. ' WHERE (SELECT nspname FROM pg_namespace n WHERE n.oid = p.relnamespace) = ANY ('
		. names($some) . ') AND c.relnamespace <> p.relnamespace'))[1];
	my $target = "$tag$after$tag, $options";
	($error) = try_sql("CREATE TABLE cmig.rows AS SELECT * FROM cmig.diff($target)");
	return ('target fails', $error) if $error ne '';
	my $shown = (try_sql(q{SELECT string_agg(concat_ws(' ', '--', action, kind, object, '[' || hazard || ']') || E'\n'
		|| coalesce(upgrade_sql, '-'), E';\n' ORDER BY step) FROM cmig.rows}))[1];
	if ((try_sql(q{SELECT count(*) FROM cmig.rows WHERE action = 'unsupported'}))[1])
	{
		# the rest does not need what is refused
		my $rest = (try_sql(q{SELECT string_agg(upgrade_sql, E';\n' ORDER BY step) FROM cmig.rows}))[1];

		($error) = try_sql("BEGIN; $rest; ROLLBACK");
		return $error eq '' ? ('refused') : ('the rest fails', "@log$error\n$shown");
	}

	# a value that is added to an enum cannot be removed while a table uses the enum
	my $reverts = (try_sql(q{SELECT count(*) FROM cmig.rows WHERE hazard ~ '^cannot be reverted: .* depends on it'}))[1] eq '0';
	foreach my $way ('upgrade_sql', $reverts ? 'downgrade_sql' : ())
	{
		my $order = $way eq 'upgrade_sql' ? '' : ' DESC';
		my $statements = (try_sql("SELECT string_agg($way, E';\\n' ORDER BY step$order) FROM cmig.rows"))[1];
		($error) = try_sql("BEGIN; $statements; COMMIT");
		return ("$way fails", "@log$error\n$shown") if $error ne '';
		($error, $is) = try_sql($outside);
		return ('schema_sql', $error) if $error ne '';
		return ("$way changes others", "@log$was\n----\n$is\n----\n$shown") if !$shared && $is ne $was;
		my $to = $way eq 'upgrade_sql' ? $after : $before;
		($error, $rows) = try_sql("SELECT action, kind, object, upgrade_sql, hazard FROM cmig.diff($tag$to$tag, $options)");
		return ("after $way, target fails", $error) if $error ne '';
		return ("after $way, not empty", "@log$rows\n----\n$shown") if $rows ne '';
	}
	return ('equal');
}

foreach my $this ($seed .. $seed + $rounds - 1)
{
	my ($result, $detail) = round($this);

	$results{$result}++;
	like($result, qr/^(?:equal|refused|nothing changed)$/, "seed $this") or diag($detail // '');
}
ok($results{refused} && $results{equal}, 'some changes are refused, and some are made');

# A partition's place belongs to a table that is not compared; so do its columns
$node->safe_psql('postgres', 'DROP DATABASE outside');
new_database($node, 'outside');
my $there = q{schemas => '{b}'};
is((try_sql('CREATE SCHEMA a; CREATE SCHEMA b; CREATE TABLE a.p (i int CHECK (i > 0)) PARTITION BY LIST (i);'
	. ' CREATE TABLE b.q PARTITION OF a.p FOR VALUES IN (1); CREATE INDEX ON a.p (i)'))[0], '', 'a partition');
foreach my $own ((try_sql("SELECT cmig.schema_sql($there)"))[1], 'CREATE TABLE b.q (i int)')
{
	is((try_sql("SELECT upgrade_sql FROM cmig.diff($tag$own$tag, $there)"))[1], '', 'it stays one');
}
foreach my $columns ('', 'i text', 'i int, j int')
{
	like((try_sql("SELECT action, object, hazard FROM cmig.diff('CREATE TABLE b.q ($columns)', $there)"))[1],
		qr/^unsupported\|b\.q\.[ij]\|b\.q is a partition of a\.p, which is not compared$/, "its columns: $columns");
}
is((try_sql("SELECT action, object, hazard FROM cmig.diff('CREATE TABLE b.q (i int, j int PRIMARY KEY)', $there) ORDER BY object"))[1],
	join("\n", 'unsupported|b.q.j|b.q is a partition of a.p, which is not compared', 'unsupported|q_pkey on b.q|it depends on column b.q.j, which is not created'), 'nor is a key of a new one created');
is((try_sql("SELECT action, object, hazard FROM cmig.diff('CREATE TABLE b.w (i int); CREATE TABLE b.q (i int) INHERITS (b.w)', $there) ORDER BY object"))[1],
	join("\n", (map { "unsupported|$_|b.q is a partition of a.p, which is not compared" } 'b.q', 'b.q_i_idx'), 'create|b.w|',
		'unsupported|p_i_check on b.q|b.q is a partition of a.p, which is not compared'), 'it gets no parent');
# what does not change the rows that it accepts is its own
foreach my $case ([ '(i int); CREATE INDEX sum ON b.q ((i + 1))', 'CREATE INDEX sum ON b.q USING btree (((i + 1)))' ],
	[ '(i int); ALTER TABLE b.q ALTER i SET STATISTICS 7', 'ALTER TABLE ONLY b.q ALTER COLUMN i SET STATISTICS 7' ])
{
	like((try_sql("SELECT upgrade_sql FROM cmig.diff('CREATE TABLE b.q $case->[0]', $there)"))[1],
		qr/^\Q$case->[1]\E$/, "its own: $case->[0]");
}
# if the target says where it is, that is compared, and a partition that is not compared stays in the way
my $q = 'CREATE TABLE b.q PARTITION OF a.p FOR VALUES IN';
is((try_sql("SELECT * FROM cmig.diff('$q (1)', $there)"))[1], '', 'its place');
is((try_sql("SELECT upgrade_sql FROM cmig.diff('$q (2); CREATE TABLE b.r PARTITION OF a.p FOR VALUES IN (1)', $there) WHERE kind = 'partition'"))[1],
	"ALTER TABLE a.p DETACH PARTITION b.q\nALTER TABLE a.p ATTACH PARTITION b.q FOR VALUES IN (2)\nALTER TABLE a.p ATTACH PARTITION b.r FOR VALUES IN (1)",
	'other places');
try_sql('CREATE TABLE a.s PARTITION OF a.p FOR VALUES IN (3)');
like((try_sql("SELECT * FROM cmig.diff('$q (3)', $there)"))[0], qr/would overlap partition "s"/, 'the place of another');
is((try_sql('INSERT INTO a.p VALUES (1), (3); SELECT tableoid::regclass FROM a.p ORDER BY i'))[1], "b.q\na.s", 'all partitions are still there');

# What the target creates in another schema is not created
foreach my $case (
	[ 'CREATE VIEW b.v AS SELECT * FROM c.t', 'view|b.v|it needs table c.t' ],
	[ 'CREATE TABLE b.v (d c.d)', 'table|b.v|it needs type c.d' ],
	[ 'CREATE TABLE b.v (i int REFERENCES c.t)', 'foreign key|v_i_fkey on b.v|it needs table c.t' ])
{
	my ($sql, $row) = @$case;

	is((try_sql("SELECT kind, object, hazard FROM cmig.diff('$q (1); CREATE SCHEMA c; CREATE TABLE c.t (i int PRIMARY KEY); CREATE DOMAIN c.d AS int; $sql', $there)"
				. " WHERE action = 'unsupported'"))[1], "$row, which does not exist and is not compared", $sql);
}

# or added to what is there, of which the rest is added
try_sql('CREATE SCHEMA j; CREATE TYPE j.c AS (x int); CREATE TABLE j.t (i int)');
is((try_sql(q{SELECT action, object, hazard FROM cmig.diff('CREATE SCHEMA c; CREATE DOMAIN c.d AS int; CREATE TYPE j.c AS (x int, y c.d);
	CREATE TABLE j.t (i c.d, j c.d, k int); CREATE VIEW j.v AS SELECT j FROM j.t; CREATE TYPE j.n AS (x c.d)', schemas => '{j}') ORDER BY object}))[1],
	join("\n", (map { "unsupported|j.$_|it needs type c.d, which does not exist and is not compared" } 'c.y', 'n', 't.i', 't.j'),
		'create|j.t.k|', 'unsupported|j.v|it needs type c.d, which does not exist and is not compared'), 'columns and attributes');

# nor is what uses it changed, with its columns
try_sql('CREATE SCHEMA e; CREATE VIEW e.v AS SELECT 1 AS i, 2 AS j');
is((try_sql(q{SELECT action, kind, object, hazard FROM cmig.diff('CREATE SCHEMA c; CREATE TABLE c.t (i int); CREATE VIEW e.v AS SELECT i FROM c.t', schemas => '{e}')}))[1],
	'unsupported|view|e.v|it needs table c.t, which does not exist and is not compared', 'a view that is there');

# Whatever kind it is that depends on an object, and if the object is a type that is only stored
$node->safe_psql('postgres', 'DROP DATABASE outside');
new_database($node, 'outside');
is((try_sql(q{CREATE SCHEMA a; CREATE SCHEMA b;
	CREATE TABLE a.t (i int, s varchar(10)); CREATE TABLE b.t (t a.t);
	CREATE TYPE a.c AS (x int); CREATE DOMAIN a.d AS a.c; CREATE TYPE b.c AS (d a.d[]); CREATE TABLE b.u (c b.c);
	CREATE TABLE a.h (h int); CREATE TABLE b.h () INHERITS (a.h); CREATE TABLE b.v (v b.h);
	CREATE TEXT SEARCH DICTIONARY a.w (TEMPLATE = simple);
	CREATE TEXT SEARCH CONFIGURATION b.g (COPY = simple); ALTER TEXT SEARCH CONFIGURATION b.g ALTER MAPPING FOR word WITH a.w;
	CREATE FUNCTION a.f(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
	CREATE OPERATOR CLASS b.o FOR TYPE int USING btree AS OPERATOR 1 <, FUNCTION 1 a.f(int, int);
	CREATE FUNCTION a.g(point, point) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true';
	CREATE OPERATOR b.== (FUNCTION = a.g, LEFTARG = point, RIGHTARG = point);
	CREATE OPERATOR a.=== (FUNCTION = a.g, LEFTARG = point, RIGHTARG = point);
	CREATE OPERATOR CLASS b.p FOR TYPE point USING hash AS OPERATOR 1 a.===;
	CREATE COLLATION a.l (provider = libc, locale = 'C'); CREATE DOMAIN b.l AS text COLLATE a.l;
	CREATE TABLE a.p (i int, k int); CREATE PUBLICATION p FOR TABLE a.p (k); CREATE TABLE a.free (i int)}))[0], '', 'what depends on it');
my %of = map { (split /\|/)[0, 1] } split /\n/, (try_sql(q{SELECT concat_ws(' ', action, object) || '|' || coalesce(hazard, '') FROM cmig.diff('', schemas => '{a}')}))[1];
is(delete $of{'drop a.free'}, 'data loss: table a.free', 'nothing depends on it');
is(delete $of{'drop a.p'}, 'data loss: table a.p', 'a table leaves its publication');
like(delete $of{"unsupported $_->[0]"}, qr/^$_->[1].* depends on it/, $_->[0])
  foreach [ 'a', '.*' ], [ 'a.t', 'column t of table b\.t' ], [ 'a.h', 'table b\.h' ], [ 'a.c', 'domain a\.d' ], [ 'a.d', 'column d of composite type b\.c' ],
  [ 'a.w', 'text search configuration b\.g' ], [ 'a.f(integer, integer)', 'function 1 .* of operator family b\.o' ],
  [ 'a.g(point, point)', 'operator b\.==' ], [ 'a.=== (point, point)', 'operator 1 .* of operator family b\.p' ], [ 'a.l', 'type b\.l' ];
is_deeply(\%of, {}, 'no other change');
my $a = (try_sql(q{SELECT cmig.schema_sql(schemas => '{a}')}))[1];
foreach my $case (
	[ 'i integer(?=,\n\ts )', 'i bigint', qr/^unsupported\|a\.t\.i\|column t of table b\.t, which is not compared, depends on it$/, 'a row type that is stored' ],
	[ 'varying\(10\)', 'varying(20)', qr/^unsupported\|a\.t\.s\|column t of table b\.t, /, 'rows are not rewritten' ],
	[ 'TABLE a.t \(', 'TABLE a.t (d int DEFAULT 1,', qr/^unsupported\|a\.t\.d\|column t of table b\.t, /, 'a column with a default' ],
	[ 'TABLE a.t \(', 'TABLE a.t (d int,', qr/^create\|a\.t\.d\|$/, 'a column without one' ],
	[ 'TABLE a.t \(', 'DOMAIN a.one AS int CHECK (value > 0); CREATE DOMAIN a.two AS a.one; CREATE TABLE a.t (d a.two,', qr/^unsupported\|a\.t\.d\|column t of table b\.t, /m, 'a domain with a constraint' ],
	[ 'TABLE a.t \(', 'DOMAIN a.one AS int; CREATE TABLE a.t (d a.one,', qr/^create\|a\.t\.d\|$/m, 'a domain without one' ],
	[ 'TABLE a.t', 'UNLOGGED TABLE a.t', qr/^unsupported\|a\.t\|column t of table b\.t, /, 'a table that is rewritten' ],
	[ 'h integer', 'h bigint', qr/^unsupported\|a\.h\.h\|column v of table b\.v, /, 'the row type of a child' ],
	[ 'x integer', 'x bigint', qr/^unsupported\|a\.c\.x\|column c of table b\.u, which is not compared, depends on it$/, 'in a domain, an array, and another type' ],
	[ '\tk integer\n', '', qr/^unsupported\|a\.p\.k\|publication of table a\.p in publication p, which is not compared, depends on it$/, 'a column list' ])
{
	my ($from, $to, $expected, $what) = @$case;
	my $target = $a =~ s/$from/$to/r =~ s/,\n\)/\n)/r;

	isnt($target, $a, $what);
	like((try_sql("SELECT action, object, hazard FROM cmig.diff($tag$target$tag, schemas => '{a}')"))[1], $expected, $what);
}

# What stays because of a change that is refused keeps what it needs
is((try_sql(q{CREATE SCHEMA d; CREATE SCHEMA e; CREATE TABLE d.t (i int PRIMARY KEY); CREATE VIEW e.v AS SELECT i FROM d.t}))[0], '', 'a view');
is((try_sql(q{SELECT action, object, hazard FROM cmig.diff('CREATE SCHEMA c; CREATE TABLE c.t (i int); CREATE SCHEMA e; CREATE VIEW e.v AS SELECT i FROM c.t', schemas => '{d,e}') ORDER BY object}))[1],
	join("\n", 'unsupported|d|table d.t depends on it, and cannot be changed', 'unsupported|d.t|view e.v depends on it, and cannot be changed',
		'unsupported|e.v|it needs table c.t, which does not exist and is not compared'), 'its table and the schema stay');
try_sql(q{CREATE TABLE d.p (i int); CREATE PUBLICATION q FOR TABLE d.p WHERE (i > 0); CREATE TABLE d.u (i int, j int); CREATE VIEW d.v AS SELECT i FROM d.u; CREATE VIEW e.w AS SELECT i FROM d.v;
	CREATE MATERIALIZED VIEW d.m AS SELECT j FROM d.u; CREATE INDEX x ON d.m (j); CREATE VIEW e.m AS SELECT j FROM d.m});
is((try_sql(q{SELECT action, object, hazard FROM cmig.diff('CREATE TABLE d.t (i int PRIMARY KEY); CREATE TABLE d.p (i bigint); CREATE TABLE d.u (i bigint, j int); CREATE VIEW d.v AS SELECT i FROM d.u;
	CREATE MATERIALIZED VIEW d.m AS SELECT j::text FROM d.u; CREATE INDEX x ON d.m (upper(j))', schemas => '{d}') ORDER BY object}))[1],
	join("\n", 'unsupported|d.m|view e.m, which is not compared, depends on it', 'unsupported|d.p.i|publication of table d.p in publication q, which is not compared, depends on it',
		'unsupported|d.u.i|view d.v depends on it, and cannot be changed', 'unsupported|d.v|view e.w, which is not compared, depends on it'), 'what they use stays');
is((try_sql(q{SELECT action, object, hazard FROM cmig.diff('CREATE TABLE d.v (i int)', schemas => '{d}') WHERE kind = 'table' AND object = 'd.v'}))[1],
	'unsupported|d.v|its name is that of view d.v, which cannot be dropped', 'and its name');

# What needs more than stays as it was is not created or changed either
try_sql(q{CREATE SCHEMA g; CREATE TABLE d.k (i int CONSTRAINT k1 PRIMARY KEY, j int NOT NULL); CREATE TABLE e.k (i int REFERENCES d.k);
	CREATE TABLE d.b (b boolean); CREATE VIEW e.b AS SELECT b FROM d.b; CREATE VIEW d.q AS SELECT 1 AS q; CREATE TABLE e.s (i int, j int); CREATE STATISTICS g.s ON i, j FROM e.s});
is((try_sql(q{SELECT action, object, hazard FROM cmig.diff('CREATE TABLE d.k (i int CONSTRAINT k1 UNIQUE, j int CONSTRAINT k2 PRIMARY KEY);
	CREATE TABLE d.b (b int); CREATE VIEW d.q AS SELECT b + 1 AS q FROM d.b; CREATE VIEW d.y AS SELECT b + 1 AS y FROM d.b; CREATE VIEW d.z AS SELECT y FROM d.y',
	schemas => '{d,g}') WHERE object ~ '(^| on )d\.[kbqyz]\M|^g' ORDER BY object COLLATE "C"}))[1],
	join("\n", 'unsupported|d.b.b|view e.b, which is not compared, depends on it', 'unsupported|d.k.i|constraint k1 on d.k depends on it',
		(map { "unsupported|d.$_|it depends on column d.b.b, which cannot be changed" } 'q', 'y'), 'unsupported|d.z|it depends on view d.y, which is not created',
		'unsupported|g|statistics object g.s depends on it, and cannot be changed', 'unsupported|g.s|it is not in the target; objects of this kind are not compared yet',
		'unsupported|k1 on d.k|constraint k_i_fkey on table e.k, which is not compared, depends on it', 'unsupported|k2 on d.k|constraint k1 on d.k cannot be dropped'), 'new versions');

# An inherited column follows the one above it, which alone is told; what uses it does not
try_sql(q{CREATE SCHEMA o; CREATE TABLE o.p (i int, j int, l int) PARTITION BY LIST (i); CREATE TABLE o.q PARTITION OF o.p FOR VALUES IN (1) PARTITION BY LIST (j);
	CREATE TABLE o.r PARTITION OF o.q FOR VALUES IN (1); CREATE TABLE e.p (p o.p)});
is((try_sql(q{SELECT action, object, hazard FROM cmig.diff((SELECT cmig.schema_sql('{o}')) || '; ALTER TABLE o.p ADD k int DEFAULT 1; CREATE VIEW o.v AS SELECT k FROM o.r;
	CREATE INDEX x ON o.r (k); ALTER TABLE o.r ALTER k SET DEFAULT 2', schemas => '{o}') ORDER BY object}))[1],
	join("\n", 'unsupported|o.p.k|column p of table e.p, which is not compared, depends on it',
		map { "unsupported|o.$_|it depends on column o.p.k, which is not created" } 'v', 'x'), 'a new column');
is((try_sql(q{SELECT action, object, hazard FROM cmig.diff(replace((SELECT cmig.schema_sql('{o}')), 'l integer', 'l bigint'), schemas => '{o}')}))[1],
	'unsupported|o.p.l|column p of table e.p, which is not compared, depends on it', 'a type');
# unless the database's column does not inherit from it yet
try_sql(q{CREATE SCHEMA r; CREATE TABLE r.p (l int); CREATE TABLE r.c (l int); CREATE VIEW e.rp AS SELECT l FROM r.p; CREATE VIEW e.rc AS SELECT l FROM r.c});
is((try_sql(q{SELECT object, hazard FROM cmig.diff('CREATE TABLE r.p (l bigint); CREATE TABLE r.c () INHERITS (r.p)', schemas => '{r}') ORDER BY object}))[1],
	join("\n", 'r.c|it depends on column r.p.l, which cannot be changed', map { "r.$_.l|view e.r$_, which is not compared, depends on it" } 'c', 'p'), 'a new parent');

# A partition of a table that references itself is detached before it is dropped
try_sql(q{CREATE SCHEMA u; CREATE TABLE u.p (i int PRIMARY KEY, j int REFERENCES u.p) PARTITION BY LIST (i); CREATE TABLE u.q PARTITION OF u.p DEFAULT; CREATE TABLE u.r PARTITION OF u.p FOR VALUES IN (1)});
is((try_sql(q{SELECT upgrade_sql FROM cmig.diff('CREATE TABLE u.p (i int PRIMARY KEY, j int REFERENCES u.p) PARTITION BY LIST (i); CREATE TABLE u.r PARTITION OF u.p FOR VALUES IN (1)', schemas => '{u}') ORDER BY step}))[1],
	join("\n", 'ALTER TABLE u.p DETACH PARTITION u.q', 'ALTER TABLE u.q DROP CONSTRAINT IF EXISTS p_j_fkey', 'DROP TABLE u.q'), 'a partition of a table that references itself');

# What needs the new version of a view that stays is not created
try_sql(q{CREATE SCHEMA w; CREATE TABLE w.t (i int, j int); CREATE VIEW w.v AS SELECT i FROM w.t; CREATE VIEW e.wv AS SELECT i FROM w.v});
is((try_sql(q{SELECT action, object, hazard FROM cmig.diff('CREATE TABLE w.t (i int, j int); CREATE VIEW w.v AS SELECT j FROM w.t; CREATE VIEW w.w AS SELECT count(*) FROM w.v', schemas => '{w}') ORDER BY object}))[1],
	join("\n", 'unsupported|w.v|view e.wv, which is not compared, depends on it', 'unsupported|w.w|it depends on view w.v, which cannot be changed'), 'a view');

# A value that is added cannot be removed while it is used elsewhere, in stages either
try_sql(q{CREATE SCHEMA n; CREATE TYPE n.e AS ENUM ('a'); CREATE TABLE e.n (e n.e)});
foreach my $stages ('false', 'true')
{
	like((try_sql("SELECT string_agg(content, '') FROM cmig.autogenerate('m', 'CREATE TYPE n.e AS ENUM (''a'', ''b'')', schemas => '{n}', stages => $stages)"))[1],
		qr/-- cannot be reverted: column e of table e\.n, which is not compared, depends on it(?!.*DROP TYPE)/s, "stages: $stages");
}

# An attribute that is stored changes only if its type can be replaced
try_sql(q{CREATE SCHEMA q; CREATE TYPE q.c AS (x int); CREATE TABLE q.t (c q.c); CREATE FUNCTION e.q(q.c) RETURNS int LANGUAGE sql AS 'SELECT 1'});
is((try_sql(q{SELECT action, object, hazard FROM cmig.diff('CREATE TYPE q.c AS (x bigint); CREATE TABLE q.t (c q.c)', schemas => '{q}') ORDER BY object}))[1],
	join("\n", 'unsupported|q.c|function e.q(q.c), which is not compared, depends on it', 'unsupported|q.c.x|it is part of composite type q.c, which cannot be changed'), 'a stored type');

# A table gets no partition or child that lacks a column which stays, or has it with another type
try_sql(q{CREATE SCHEMA m; CREATE TABLE m.p (i int, j int) PARTITION BY LIST (i); CREATE TABLE m.t (i int, j int); CREATE TABLE m.c (i int);
	CREATE VIEW e.mp AS SELECT j FROM m.p; CREATE VIEW e.mt AS SELECT j FROM m.t});
foreach my $case ([ '', 'dropped' ], [ ', j bigint', 'changed' ])
{
	my ($j, $what) = @$case;

	is((try_sql(qq{SELECT action, object, replace(upgrade_sql, E'\n\t', ' '), hazard FROM cmig.diff('CREATE TABLE m.p (i int$j) PARTITION BY LIST (i); CREATE TABLE m.q PARTITION OF m.p DEFAULT;
		CREATE TABLE m.t (i int$j); CREATE TABLE m.c (i int$j); ALTER TABLE m.c INHERIT m.t', schemas => '{m}') WHERE object !~ '[.]j' ORDER BY object, action}))[1],
		join("\n", "unsupported|m.c||it depends on column m.t.j, which cannot be $what", "create|m.q|CREATE TABLE m.q ( i integer" . ($j && ', j bigint') . "\n)|",
			"unsupported|m.q||it depends on column m.p.j, which cannot be $what"), "a column cannot be $what");
}

# What cannot be created does not prevent a value of an enum from being removed
try_sql(q{CREATE SCHEMA l; CREATE TYPE l.e AS ENUM ('a')});
is((try_sql(q{SELECT object, hazard, downgrade_sql IS NOT NULL FROM cmig.diff('CREATE TYPE l.e AS ENUM (''a'', ''b''); CREATE SCHEMA c; CREATE TYPE c.d AS (i int); CREATE VIEW l.v AS SELECT NULL::c.d AS d',
	schemas => '{l}') ORDER BY object}))[1], "l.e||t\nl.v|it needs type c.d, which does not exist and is not compared|f", 'a value of an enum');

# An index of a partitioned table becomes valid, although some of its partitions are not compared
try_sql(q{CREATE SCHEMA h; CREATE TABLE h.p (i int) PARTITION BY LIST (i); CREATE TABLE h.q PARTITION OF h.p FOR VALUES IN (1); CREATE TABLE e.q PARTITION OF h.p FOR VALUES IN (2)});
my $h = 'CREATE TABLE h.p (i int) PARTITION BY LIST (i); CREATE TABLE h.q (i int CONSTRAINT own UNIQUE); ALTER TABLE h.p ADD CONSTRAINT k UNIQUE (i); ALTER TABLE h.p ATTACH PARTITION h.q FOR VALUES IN (1)';
foreach my $when ('at first', 'then')
{
	my $sql = (try_sql("SELECT string_agg(upgrade_sql, ';' ORDER BY step) FROM cmig.diff('$h', schemas => '{h}')"))[1];

	is((try_sql($sql))[0], '', "$when: $sql");
	is((try_sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'h.k'::regclass"))[1], 't', 'the index is valid');
}
is((try_sql("SELECT action, object, upgrade_sql FROM cmig.diff('$h', schemas => '{h}')"))[1], '', 'no difference remains');

# A view may use a type that it only knows by a column of a table that is not compared
try_sql('CREATE SCHEMA i; CREATE TYPE i.m AS ENUM (); CREATE TABLE e.m (m i.m[]); CREATE VIEW i.v AS SELECT m FROM e.m');
is((try_sql("SELECT action, object, change FROM cmig.diff((SELECT cmig.schema_sql('{i}')), schemas => '{i}')"))[1], '', 'its own target');

# An attribute is not dropped if tables that are not compared store its values, or views use it there
try_sql('CREATE SCHEMA at; CREATE TYPE at.x AS (i int, j int); CREATE TABLE e.typed OF at.x; CREATE TYPE at.y AS (i int, j int); CREATE TABLE e.stored (y at.y[])');
is((try_sql("SELECT action, object, hazard FROM cmig.diff('CREATE TYPE at.x AS (i int); CREATE TYPE at.y AS (i int, k int)', '{at}') WHERE object <> 'at' ORDER BY object"))[1],
	join("\n", 'unsupported|at.x.j|table e.typed, which is not compared, depends on it', 'unsupported|at.y.j|column y of table e.stored, which is not compared, depends on it', 'create|at.y.k|'), 'attributes');

# The sequence of a column is not told of, another one is
try_sql('CREATE SCHEMA k; CREATE TABLE k.t (i serial, j int); CREATE SEQUENCE k.s; ALTER TABLE k.t ALTER j SET DEFAULT nextval(\'k.s\'); CREATE VIEW k.v AS SELECT last_value FROM k.t_i_seq;
	CREATE VIEW e.k1 AS SELECT i FROM k.t; CREATE VIEW e.k2 AS SELECT last_value FROM k.v');
is((try_sql("SELECT action, object, hazard FROM cmig.diff('', '{k}') ORDER BY object"))[1],
	join("\n", 'unsupported|k|table k.t depends on it, and cannot be changed', 'unsupported|k.s|default k.t.j depends on it, and cannot be changed',
		'unsupported|k.t|view e.k1, which is not compared, depends on it', 'unsupported|k.v|view e.k2, which is not compared, depends on it'), 'sequences');

# What differs from the revisions is not dropped either if another schema needs it
new_database($node, 'drifted');
$node->safe_psql('drifted', q{SELECT cmig.create_revision('a', 'CREATE SCHEMA a; CREATE TABLE a.t (i int)', 'DROP SCHEMA a CASCADE'); SELECT * FROM cmig.upgrade('head');
	CREATE TYPE a.x AS ENUM ('p'); CREATE TABLE public.u (x a.x); ALTER TABLE a.t ADD j int; CREATE VIEW public.v AS SELECT j FROM a.t; CREATE TABLE a.free ()});
is($node->safe_psql('drifted', q{SELECT action, object, hazard FROM cmig.drift(schemas => '{a}') ORDER BY object}),
	join("\n", 'drop|a.free|data loss: table a.free', 'unsupported|a.t.j|view public.v, which is not compared, depends on it', 'unsupported|a.x|column x of table public.u, which is not compared, depends on it'), 'drift of a schema');

# Servers, languages, casts, and access methods belong to no schema: a target uses those that exist, and creates none
try_sql(q{CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE g.t (i int) SERVER s; CREATE USER MAPPING FOR public SERVER s;
	CREATE LANGUAGE made HANDLER plpgsql_call_handler; CREATE FUNCTION g.f() RETURNS int LANGUAGE made AS 'begin return 1; end';
	CREATE ACCESS METHOD am TYPE TABLE HANDLER heap_tableam_handler; CREATE TYPE e.pair AS (i int); CREATE FUNCTION e.pair(e.pair) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
	CREATE CAST (e.pair AS int) WITH FUNCTION e.pair(e.pair) AS ASSIGNMENT; CREATE TABLE g.a (i int DEFAULT ROW(1)::e.pair) USING am});
my $g = (try_sql(q{SELECT cmig.schema_sql(schemas => '{g}')}))[1];
is((try_sql("SELECT * FROM cmig.diff($tag$g$tag, schemas => '{g}') WHERE object <> 'g.s'"))[1], '', 'they are there');
my $globals = 'CREATE SERVER s FOREIGN DATA WRAPPER w; ALTER SERVER s OPTIONS (a \'b\'); CREATE USER MAPPING FOR public SERVER s; GRANT USAGE ON FOREIGN SERVER s TO public; DROP SERVER IF EXISTS s CASCADE;
	CREATE LANGUAGE made HANDLER plpgsql_call_handler; CREATE ACCESS METHOD am TYPE TABLE HANDLER heap_tableam_handler; CREATE CAST (e.pair AS int) WITH INOUT; DROP CAST IF EXISTS (e.none AS int);
	DO $$ BEGIN CREATE SERVER s FOREIGN DATA WRAPPER w; END $$;';
is((try_sql("SELECT * FROM cmig.diff($tag$globals$g$tag, schemas => '{g}') WHERE object <> 'g.s'"))[1], '', 'also if the target creates or changes them');
is((try_sql("SELECT action, object, hazard FROM cmig.diff($tag CREATE SERVER r FOREIGN DATA WRAPPER w; $g CREATE FOREIGN TABLE g.r () SERVER r $tag, schemas => '{g}') WHERE object <> 'g.s'"))[1],
	'unsupported|g.r|it needs server r, which does not exist and is not compared', 'one that the target creates is lacking');
like((try_sql("SELECT * FROM cmig.diff('CREATE SCHEMA g; CREATE FOREIGN TABLE g.t (i int) SERVER s')"))[0], qr/server "s" does not exist.*HINT:  Add this to the target: CREATE SERVER s FOREIGN DATA WRAPPER w/s, 'all are compared if all schemas are');
like((try_sql("SELECT * FROM cmig.diff('CREATE FOREIGN TABLE g.t (i int) SERVER r', schemas => '{g}')"))[0], qr/server "r" does not exist/, 'another one');
is((try_sql('SELECT srvname, srvoptions FROM pg_foreign_table t JOIN pg_foreign_server s ON s.oid = t.ftserver'))[1], 's|', 'the server stays');

# A transform of a compared type exists, although the target's type has another one; so does a default operator class
my $transformed = q{CREATE SCHEMA tf; CREATE TYPE tf.x AS (i int); CREATE FUNCTION tf.f(internal) RETURNS internal IMMUTABLE LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
	CREATE TRANSFORM FOR tf.x LANGUAGE sql (FROM SQL WITH FUNCTION tf.f(internal)); CREATE FUNCTION tf.t(tf.x) RETURNS int TRANSFORM FOR TYPE tf.x LANGUAGE sql AS 'SELECT 1'};
my $default = q{CREATE SCHEMA dc; CREATE FUNCTION dc.c(int, int) RETURNS int IMMUTABLE LANGUAGE internal AS 'btint4cmp'; CREATE OPERATOR CLASS dc.o DEFAULT FOR TYPE int USING gin AS OPERATOR 1 =, FUNCTION 1 dc.c(int, int),
	FUNCTION 2 ginarrayextract(anyarray, internal, internal), FUNCTION 3 ginqueryarrayextract(anyarray, internal, smallint, internal, internal, internal, internal),
	FUNCTION 4 ginarrayconsistent(internal, smallint, anyarray, integer, internal, internal, internal, internal);};
is((try_sql("$transformed; $default"))[0], '', 'a transform and an operator class');
(my $changed = $transformed) =~ s{SELECT 1}{SELECT 2};
is(join('', try_sql("SELECT action, object, hazard FROM cmig.diff($tag$changed$tag, '{tf}')")), 'alter|tf.t(tf.x)|', 'the transform does not differ');
is(join('', try_sql("SELECT * FROM cmig.diff($tag$default$tag, '{dc}')")), '', 'nor does the operator class');
is((try_sql('SELECT opcdefault FROM pg_opclass WHERE opcname = \'o\' AND opcnamespace = \'dc\'::regnamespace'))[1], 't', 'the operator class stays');

# DROP leaves out what is not compared, also after an object that is
is(join('', try_sql(q{SELECT action, object FROM cmig.diff('CREATE SCHEMA dr; DROP VIEW IF EXISTS dr.v, e.v; CREATE SERVER n FOREIGN DATA WRAPPER w; DROP SERVER n, s; CREATE FOREIGN TABLE dr.f (i int) SERVER s;
	CREATE VIEW dr.v AS SELECT i FROM e.v', '{dr}')})), "create|dr\ncreate|dr.f\ncreate|dr.v", 'DROP of several objects');

# A table on a server that the caller must not use is left as it is
is((try_sql("CREATE SCHEMA fu AUTHORIZATION regress_diff_a; CREATE FOREIGN TABLE fu.t (i int) SERVER s; ALTER TABLE fu.t OWNER TO regress_diff_a; SELECT FROM cmig.grant_access('regress_diff_a', 'reader')"))[0], '', 'a server of another role');
is((try_sql("SET ROLE regress_diff_a; SELECT action, object, hazard FROM cmig.diff((SELECT cmig.schema_sql('{fu}')), '{fu}')"))[1], 'unsupported|fu.t|permission denied for foreign server s', 'its table is left');

# Members of extensions keep their names in a comparison of two schemas, and other objects are named as in the first one
new_database($node, 'schemas');
$node->safe_psql('schemas', q{CREATE EXTENSION citext SCHEMA public; CREATE SCHEMA o; CREATE EXTENSION hstore SCHEMA o; CREATE TYPE public.own AS ENUM ('a'); CREATE TYPE o.own AS ENUM ('a')});
$node->safe_psql('schemas', qq{CREATE TABLE $_.t (c public.citext DEFAULT 'a'::public.citext, h o.hstore, w $_.own); CREATE INDEX ON $_.t (c); CREATE VIEW $_.v AS SELECT o.akeys(h), c || 'b'::public.citext AS c FROM $_.t;
	CREATE FUNCTION $_.f(public.citext, o.hstore, $_.own) RETURNS public.citext LANGUAGE sql AS 'SELECT public.citext(\$1::text)'}) foreach 'public', 'o';
is($node->safe_psql('schemas', "SELECT * FROM cmig.diff_schemas('public', 'o')"), '', 'public and another schema');
is($node->safe_psql('schemas', "SELECT * FROM cmig.diff_schemas('o', 'public')"), '', 'the other way');
unlike(($node->psql('schemas', "SET client_min_messages = notice; SELECT * FROM cmig.diff(\$t\$CREATE TABLE o.t (c public.citext)\$t\$, '{o}')"))[2], qr/uses extension "citext"/, 'a target need not create an extension that is not compared');
$node->safe_psql('schemas', 'DROP VIEW v, o.v; ALTER TABLE t ALTER c TYPE text; CREATE FUNCTION f(own) RETURNS int LANGUAGE sql RETURN 1');
is($node->safe_psql('schemas', "SELECT action, object, upgrade_sql FROM cmig.diff_schemas('public', 'o') WHERE kind IN ('function', 'column')"),
	"drop|public.f(public.own)|DROP FUNCTION public.f(public.own)\nalter|public.t.c|ALTER TABLE public.t ALTER COLUMN c TYPE public.citext USING c::public.citext", 'what differs');
is($node->safe_psql('schemas', "SELECT action, object FROM cmig.diff_schemas('o', 'public') WHERE kind IN ('function', 'column') AND upgrade_sql !~ '^(RE)?SET'"),
	"alter|o.t.c\ncreate|o.f(o.own)", 'and the other way');

done_testing();
