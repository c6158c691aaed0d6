# Copyright (c) 2026, the pg_cmig developers

# The same random statements run through a version of an expanded table and on a plain
# table of that version's shape: they must end in the same way, and return and leave the
# same rows, whatever the expressions of the other version compute.  Likewise with triggers
# that set columns of both, return OLD, or write other rows, if a column's replacement has its value.
#
# CMIG_STATEMENTS is the number of statements, and CMIG_SEED is the seed.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $statements = $ENV{CMIG_STATEMENTS} || 1500;
my $seed = $ENV{CMIG_SEED} // 20261123;
srand($seed);

sub pick { return $_[ int rand @_ ] }

my $node = new_node('own_columns', 'autovacuum = off');
$node->start;

# "a" is renamed, "s" and "n" have an expression in each direction, "d" is dropped, and
# "z" and "y" are new.  Each expression reads a column of both versions.
my $old = "id int PRIMARY KEY, a int DEFAULT 1, s text NOT NULL DEFAULT 's', n int, d int DEFAULT 5, k int NOT NULL DEFAULT 2";
my $new = "id int PRIMARY KEY, b int DEFAULT 1, k int NOT NULL DEFAULT 2, s varchar(200) NOT NULL DEFAULT 's', n bigint, z int, y text NOT NULL DEFAULT 'why'";
my %change = (expressions => <<'END_SQL', triggers => <<'END_SQL');
ALTER TABLE NAME ALTER s TYPE varchar(200) USING left(upper(s), 90) || coalesce(a, 0);
-- cmig:down NAME.s = left(lower(s), 90) || coalesce(b, -1)
ALTER TABLE NAME ALTER n TYPE bigint USING n % 1000 + k;
-- cmig:down NAME.n = n % 1000 - k
ALTER TABLE NAME DROP d;
-- cmig:down NAME.d = k % 1000 + 1
ALTER TABLE NAME ADD z int;
-- cmig:up NAME.z = k % 1000 * 2
ALTER TABLE NAME ADD y text NOT NULL DEFAULT 'why';
-- cmig:up NAME.y = coalesce(a::text, 'none')
ALTER TABLE NAME RENAME a TO b;
END_SQL
ALTER TABLE NAME ALTER s TYPE varchar(200), ALTER n TYPE bigint;
ALTER TABLE NAME DROP d;
-- cmig:down NAME.d = n + 1
ALTER TABLE NAME ADD z int;
-- cmig:up NAME.z = k % 1000 * 2
ALTER TABLE NAME ADD y text NOT NULL DEFAULT 'why';
-- cmig:up NAME.y = s || '!'
ALTER TABLE NAME RENAME a TO b;
END_SQL
my $function = <<'END_SQL';
CREATE FUNCTION plain.sets() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
	IF NEW.id = 13 AND NEW.k = 3 THEN RETURN NULL; END IF;
	IF TG_OP = 'UPDATE' AND NEW.k = 3 AND NEW.id % 4 = 0 THEN RETURN OLD; END IF;
	IF TG_OP = 'UPDATE' AND NEW.k = 3 AND NEW.id % 4 = 1 THEN NEW := OLD; NEW.n := NEW.n + 3; RETURN NEW; END IF;
	IF NEW.id % 5 = 2 AND pg_trigger_depth() < 3 THEN
		BEGIN EXECUTE format('UPDATE %s SET n = n + 1, k = 4 - k WHERE id = %s', current_setting('plain.relation'), NEW.id + 1);
			IF NEW.k = 1 THEN RAISE 'undo'; END IF;
		EXCEPTION WHEN others THEN NULL; END; END IF;
	IF NEW.id < 100 AND NEW.id % 7 = 3 AND pg_trigger_depth() < 2 THEN
		BEGIN EXECUTE format('INSERT INTO %s (id, k, n) VALUES (%s, 1, 8) ON CONFLICT (id) DO UPDATE SET n = 77', current_setting('plain.relation'), NEW.id + 1);
		EXCEPTION WHEN unique_violation THEN NULL; END; END IF;
	IF NEW.s = 'u1' THEN RAISE 'refused' USING ERRCODE = 'XY001'; END IF;
	IF NEW.n = 30 THEN NEW.k := 7; END IF;
	NEW.s := coalesce(lower(NEW.s), 'none') || CASE WHEN NEW.k = 1 THEN '.' ELSE '' END;
	IF TG_OP = 'UPDATE' AND NEW.k IN (2, 3) THEN NEW.n := OLD.n + 1; END IF;
	IF TG_OP = 'UPDATE' AND NEW.s = 's' THEN NEW.s := OLD.s; END IF;
	IF TG_OP = 'INSERT' AND NEW.k = 2 THEN NEW.n := coalesce(NEW.n, 5) * 2; END IF;
	RETURN NEW;
END$$;
END_SQL
my $trigger = 'CREATE TRIGGER sets BEFORE INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION plain.sets();';
my %before = (
	whole => "CREATE TABLE whole ($old);",
	parts => "CREATE TABLE parts ($old) PARTITION BY RANGE (id);"
	  . 'CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10); CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (30);'
	  . 'CREATE TABLE parts_3 (k int NOT NULL DEFAULT 2, s text NOT NULL DEFAULT \'s\', id int NOT NULL, x int, a int DEFAULT 1, d int DEFAULT 5, n int); ALTER TABLE parts_3 DROP x;'
	  . 'ALTER TABLE parts ATTACH PARTITION parts_3 FOR VALUES FROM (30) TO (1000);');
my %columns = (old => [qw(id a s n d k)], new => [qw(id b k s n z y)]);

# plain(NAME, VERSION): the plain table of that version; a trigger tells whether rows move
sub plain
{
	my ($name, $version) = @_;
	my $table = "plain.${name}_$version";

	return "CREATE TABLE $table (" . ($version eq 'old' ? $old : $new) . ')' . ($name eq 'whole' ? ';' : ' PARTITION BY RANGE (id);' . join '',
		map { "CREATE TABLE ${table}_$_->[0] PARTITION OF $table FOR VALUES FROM ($_->[1]) TO ($_->[2]);" } [ 1, 0, 10 ], [ 2, 10, 30 ], [ 3, 30, 1000 ]);
}

my $compare = <<'END_SQL';
CREATE FUNCTION plain.run(statement text, relation text, columns text, returns boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	statement = replace(statement, 'RELATION', relation);
	PERFORM set_config('plain.relation', relation, false);
	IF returns THEN
		EXECUTE format('WITH x AS (%s RETURNING %s) SELECT string_agg(x::text, '' '' ORDER BY x::text) FROM x', statement, columns) INTO result;
	ELSE
		EXECUTE statement;
	END IF;
	RETURN coalesce(result, '');
EXCEPTION WHEN others THEN RETURN SQLSTATE;
END$$;
-- what is different after the statement, or NULL; then the plain tables become the same
CREATE FUNCTION plain.try(statement text, name text, version text, old_columns text, new_columns text, returns boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	columns text = CASE version WHEN 'old' THEN old_columns ELSE new_columns END;
	relation text = CASE version WHEN 'old' THEN 'public.' ELSE 'public_042.' END || name;
	twin text = format('plain.%s_%s', name, version);
	result text;
	expected text;
	rows text;
	twins text;
BEGIN
	IF statement <> '' THEN
		result = plain.run(statement, relation, columns, returns);
		expected = plain.run(statement, twin, columns, returns);
	END IF;
	EXECUTE format('SELECT string_agg(x::text, '' '' ORDER BY id) FROM (SELECT %s FROM %s) x', columns, relation) INTO rows;
	EXECUTE format('SELECT string_agg(x::text, '' '' ORDER BY id) FROM (SELECT %s FROM %s) x', columns, twin) INTO twins;
	SET session_replication_role = replica;
	EXECUTE format('TRUNCATE plain.%1$s_old, plain.%1$s_new; INSERT INTO plain.%1$s_old SELECT %2$s FROM public.%1$s; INSERT INTO plain.%1$s_new SELECT %3$s FROM public_042.%1$s', name, old_columns, new_columns);
	RESET session_replication_role;
	IF result IS DISTINCT FROM expected THEN RETURN format('%s: %s instead of %s', replace(statement, 'RELATION', relation), result, expected); END IF;
	IF rows IS DISTINCT FROM twins THEN RETURN format('%s: %s instead of %s', replace(statement, 'RELATION', relation), rows, twins); END IF;
	RETURN NULL;
END$$;
END_SQL

sub value
{
	my ($column) = @_;

	# a row without a partition is another error
	return int rand 60 if $column eq 'id';
	return pick('NULL', 'DEFAULT') if rand() < 0.1;
	return pick("'s'", "'Tee'", "'u' || 1", "''") if $column =~ /^[sy]$/;
	return pick(0, 1, -7, 30, 999, 'id * 2') if $column ne 'k';
	return pick(1, 2, 3);
}

sub row
{
	return '(' . join(', ', map { value($_) =~ s/id \* 2/8/r } @_) . ')';
}

sub some
{
	my ($version) = @_;

	return grep { $_ eq 'id' || rand() < 0.5 } @{ $columns{$version} };
}

sub sets
{
	my ($version, $id) = @_;
	my @all = grep { $_ ne 'id' || rand() < $id } @{ $columns{$version} };
	my @columns = grep { rand() < 0.35 } @all;

	@columns = (pick(@all)) unless @columns;
	return join ', ', map { "$_ = " . value($_) } @columns;
}

# Returns a statement, and whether it can return rows.
sub statement
{
	my ($version) = @_;
	my @columns = some($version);
	my $names = join ', ', @columns;
	my $kind = rand;
	my $insert = "INSERT INTO RELATION ($names) VALUES " . join ', ', map { row(@columns) } 1 .. pick(1, 1, 3);

	return ($insert, 1) if $kind < 0.25;
	return ("$insert ON CONFLICT (id) DO UPDATE SET " . sets($version, 0) . pick('', ', s = EXCLUDED.s', ' WHERE EXCLUDED.k > 1'), 1) if $kind < 0.4;
	return ("$insert ON CONFLICT DO NOTHING", 1) if $kind < 0.43;
	return ("INSERT INTO RELATION ($names) SELECT " . join(', ', map { $_ eq 'id' ? 'id + 100' : $_ } @columns) . ' FROM RELATION WHERE id < 5', 1) if $kind < 0.47;
	return ('DELETE FROM RELATION WHERE id ' . pick('> 55', '% 7 = 0', '= ' . int rand 60), 1) if $kind < 0.52;
	return ('UPDATE RELATION SET ' . sets($version, 0) . ' FROM generate_series(0, 20) g WHERE id = g', 0) if $kind < 0.57;
	return ('WITH w AS (UPDATE RELATION SET ' . sets($version, 0) . ' WHERE id % 2 = 0 RETURNING id) UPDATE RELATION SET ' . sets($version, 0) . ' WHERE id % 2 = 1', 0) if $kind < 0.62;
	return ('UPDATE RELATION SET ' . sets($version, 0.5) . ' WHERE id = ' . int rand 60, 1) if $kind < 0.9;
	return ('UPDATE RELATION SET ' . sets($version, 0) . ' WHERE ' . pick('id < 10', 'k = 2', 'true'), 1) if $kind < 0.95 || $version eq 'new';
	return ('MERGE INTO RELATION t USING (SELECT generate_series(1, 30, 7) AS g) x ON t.id = x.g WHEN MATCHED THEN UPDATE SET ' . sets($version, 0) =~ s/\bid \*/t.id */gr . ' WHEN NOT MATCHED THEN INSERT (id, k) VALUES (g, 3)', 0);
}

foreach my $db (sort keys %change)
{
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, join "\n", 'CREATE EXTENSION pg_cmig; CREATE SCHEMA plain;', $function,
		load_sql(revision_file('001', '', join '', map { $before{$_} } sort keys %before), revision_file('042', '001', join('', map { $change{$db} =~ s/\bNAME\b/$_/gr } sort keys %before), '') =~ s/(-- message)/-- expand: true\n$1/r),
		q{SELECT FROM cmig.upgrade('001'); CALL cmig.expand('head', confirm => true);}, $compare,
		map { my $name = $_; (map { plain($name, $_) } qw(old new)), $db eq 'triggers' ? map { sprintf $trigger, $_ } $name, "plain.${name}_old", "plain.${name}_new" : () } sort keys %before);

	my $script = '';
	my $copies = 0;
	foreach my $n (1 .. $statements)
	{
		my $table = pick(sort keys %before);
		my $version = pick('old', 'new');
		my @call = ("'$table'", "'$version'", map { "'" . join(', ', @{ $columns{$_} }) . "'" } qw(old new));

		# a view takes no COPY
		if ($version eq 'old' && rand() < 0.05)
		{
			my @columns = some('old');
			my $id = 200 + $copies++;
			my $line = join "\t", map { $_ eq 'id' ? $id : $_ eq 's' ? 'copied' : 3 } @columns;

			$script .= "SET plain.relation = '$_';\nCOPY $_ (" . join(', ', @columns) . ") FROM STDIN;\n$line\n\\.\n" foreach "public.$table", "plain.${table}_old";
			$script .= 'SELECT plain.try(' . join(', ', "''", @call, 'false') . ");\n";
			next;
		}
		my ($statement, $returns) = statement($version);

		$script .= 'SELECT plain.try(' . join(', ', "\$s\$$statement\$s\$", @call, $returns ? 'true' : 'false') . ");\n";
	}
	my $wrong = $node->safe_psql($db, $script);
	is($wrong =~ s/^\n+//mgr, '', "$db: $statements statements, seed $seed");
	cmp_ok($node->safe_psql($db, 'SELECT min(n) FROM (SELECT count(*) FROM whole UNION ALL SELECT count(*) FROM parts) x (n)'), '>', 20, 'rows were written');
	is($node->safe_psql($db, 'SELECT count(*) FROM whole WHERE cmig_state IS NOT NULL'), '0', 'and transformed');
	is($node->safe_psql($db, join ' UNION ALL ', map { "SELECT count(*) FROM $_ o JOIN public_042.$_ n USING (id) WHERE o.s <> n.s OR o.n IS DISTINCT FROM n.n" } sort keys %before), "0\n0", 'what replaces a column has its value')
	  if $db eq 'triggers';

	# the contraction leaves what the new version has
	my $rows = join ' UNION ALL ', map { "SELECT '$_', x::text FROM (SELECT " . join(', ', @{ $columns{new} }) . " FROM public_042.$_) x" } sort keys %before;
	my $before = $node->safe_psql($db, "$rows ORDER BY 1, 2");
	$node->safe_psql($db, 'CALL cmig.contract()');
	is($node->safe_psql($db, ($rows =~ s/public_042/public/gr) . ' ORDER BY 1, 2'), $before, 'contracted');
}

done_testing();
