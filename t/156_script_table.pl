# Copyright (c) 2026, the pg_cmig developers

# The script of cmig.script uses no version table in which there could be code of another role, and
# none whose rows another role has written: one of that name that existed before the first script
# ran, or that was changed before the next, also while a script runs.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('script_table', 'autovacuum = off');
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir();

$node->safe_psql('postgres', $_) for 'CREATE ROLE ann LOGIN', 'CREATE ROLE eve LOGIN', 'CREATE ROLE bob LOGIN IN ROLE ann',
	'CREATE DATABASE author', 'CREATE DATABASE shop OWNER ann';
query($node, 'author', 'CREATE EXTENSION pg_cmig;' . load_sql(
		revision_file('001', '', 'CREATE TABLE t1 ();', 'DROP TABLE t1;'),
		revision_file('002', '001', 'CREATE TABLE t2 ();', 'DROP TABLE t2;'),
		revision_file('003', '002', 'CREATE TABLE t3 ();', 'DROP TABLE t3;')));

sub script_file
{
	my ($range, $arguments) = @_;
	my $file = "$dir/" . ($range =~ tr/:/-/r) . '.sql';

	unlink $file;
	append_to_file($file, query($node, 'author', "SELECT cmig.script('upgrade', '$range'" . ($arguments // '') . ')'));
	return $file;
}
my ($first, $next) = map { script_file($_) } 'base:001', '001:002';

# run(FILE, USER): returns what psql writes as a superuser, or this role
sub run
{
	my ($file, $user) = @_;
	my ($out, $err);

	$node->psql('shop', "\\i $file", stdout => \$out, stderr => \$err,
		extra_params => [ '-v', 'VERBOSITY=verbose', defined $user ? ('-U', $user) : () ]);
	return $err;
}

sub as_eve { return query($node, 'shop', $_[0], 'eve'); }

sub reset_table
{
	query($node, 'shop', 'DROP TABLE IF EXISTS t1, t2, t3; DROP TABLE IF EXISTS public.cmig_version CASCADE');
}

query($node, 'shop', 'GRANT CREATE ON SCHEMA public TO eve; CREATE SCHEMA eve AUTHORIZATION eve');
as_eve(q{
CREATE FUNCTION eve.call() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'code of eve runs as %', current_user; RETURN 1; END $$;
CREATE FUNCTION eve.pure(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM eve.call(); RETURN $1; END $$;
CREATE FUNCTION eve.change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM eve.call(); RETURN NEW; END $$;
CREATE DOMAIN eve.id AS varchar(128) CHECK (eve.pure(VALUE) IS NOT NULL);
GRANT ALL ON SCHEMA eve TO PUBLIC;
GRANT ALL ON TYPE eve.id TO PUBLIC});

# what eve has made; and what is wrong with it if ann owns it
my $table = 'CREATE TABLE public.cmig_version (version_num varchar(128) PRIMARY KEY)';
my @variants = (
	[ $table, '' ],
	[ 'CREATE TABLE public.cmig_version (version_num varchar(128) PRIMARY KEY, x int DEFAULT eve.call())', 'column x of T has an unknown name, or is generated' ],
	[ 'CREATE TABLE public.cmig_version (version_num varchar(128), x text GENERATED ALWAYS AS (eve.pure(version_num)) STORED)', 'column x of T has an unknown name, or is generated' ],
	[ 'CREATE TABLE public.cmig_version (version_num eve.id PRIMARY KEY)', 'column version_num of T has another type or collation' ],
	[ 'CREATE TABLE public.cmig_version (version_num varchar(128) CHECK (eve.pure(version_num) IS NOT NULL))', 'T has a constraint that pg_cmig has not created' ],
	[ "$table; CREATE INDEX ON public.cmig_version (eve.pure(version_num))", 'T has an index of an expression' ],
	[ "$table; CREATE INDEX ON public.cmig_version (version_num) WHERE eve.pure(version_num) IS NOT NULL", 'T has an index of an expression' ],
	[ "$table; CREATE POLICY p ON public.cmig_version USING (eve.call() = 1); ALTER TABLE public.cmig_version ENABLE ROW LEVEL SECURITY", 'T has row-level security' ],
	[ "$table; CREATE RULE r AS ON INSERT TO public.cmig_version DO ALSO SELECT eve.call()", 'T has a rule' ],
	[ "$table; CREATE TRIGGER t BEFORE INSERT ON public.cmig_version FOR EACH ROW EXECUTE FUNCTION eve.change()", 'T has the trigger t' ],
	[ "$table; CREATE TABLE eve.part () INHERITS (public.cmig_version)", 'T is not a plain table' ],
	[ 'CREATE VIEW public.cmig_version AS SELECT eve.pure($$001$$)::varchar(128) AS version_num', 'T is not a plain table' ],
	[ "$table; CREATE TABLE eve.fk (v varchar(128) REFERENCES public.cmig_version)", 'T has the trigger "RI_' ],
);
for my $variant (@variants)
{
	my ($sql, $problem) = @$variant;
	my $kind = $sql =~ /VIEW/ ? 'VIEW' : 'TABLE';

	reset_table();
	as_eve($sql);
	my $err = run($first);
	unlike($err, qr/code of eve runs as/, "no code of eve runs: $sql");
	like($err, qr/ERROR:  42501: public\.cmig_version (?:belongs to role eve|is not a plain table)/, 'the script is refused');
	next if $problem eq '';
	query($node, 'shop', "ALTER $kind public.cmig_version OWNER TO ann");
	$err = run($first);
	unlike($err, qr/code of eve runs as/, 'nor if ann owns it');
	$problem =~ s/T/public.cmig_version/;
	like($err, qr/ERROR:  42501: \Q$problem\E/, $problem);
	query($node, 'shop', $kind eq 'VIEW' ? 'DROP VIEW public.cmig_version' : 'DROP TABLE IF EXISTS eve.part, eve.fk');
}

# the hints can be pasted
reset_table();
as_eve($table);
my ($hint) = run($first) =~ /^HINT:  If its rows are right: (.*)$/m;
query($node, 'shop', $hint);
is(run($first), '', 'after the statement of the hint, the script runs');
query($node, 'shop', 'GRANT TRIGGER ON public.cmig_version TO eve');
as_eve('CREATE TRIGGER "my t" BEFORE INSERT ON public.cmig_version FOR EACH ROW EXECUTE FUNCTION eve.change()');
($hint) = run($next) =~ /has the trigger "my t"\n.*^HINT:  ([^\n]*)/ms;
query($node, 'shop', $hint);
is(run($next), '', 'a trigger is dropped as the hint says');

# a trigger that is created between two transactions of a script
reset_table();
is(run($first), '', 'the script creates the table');
query($node, 'shop', 'GRANT TRIGGER ON public.cmig_version TO eve');
my $steps = script_file('001:003', ', transaction_per_revision => true');
my $text = slurp_file($steps);
ok($text =~ s/^(COMMIT;)$/$1\n\\! psql -X -q -U eve -d shop -c "CREATE TRIGGER t BEFORE INSERT ON public.cmig_version FOR EACH ROW EXECUTE FUNCTION eve.change()"/m, 'the script has two transactions');
unlink $steps;
append_to_file($steps, $text);
{
	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	my $err = run($steps);

	unlike($err, qr/code of eve runs as/, 'a trigger that is created between two transactions does not run');
	like($err, qr/ERROR:  42501: public\.cmig_version has the trigger t/, 'the next transaction is refused');
}

# A name without a schema is that of the table which was checked, also if another role meanwhile creates a table that
# comes earlier in search_path.
{
	local @ENV{qw(PGHOST PGPORT)} = ($node->host, $node->port);
	my $bare = q{, version_table => '"odd table"'};
	my ($begin, %bare) = script_file('base:001', $bare);

	query($node, 'shop', 'CREATE SCHEMA late AUTHORIZATION ann; CREATE SCHEMA early; GRANT ALL ON SCHEMA early TO eve;
		ALTER DATABASE shop SET search_path = late, public');
	query($node, 'shop', "DROP TABLE IF EXISTS t1, t2, t3; SET search_path = eve; DROP TABLE IF EXISTS t1");
	is(run($begin, 'ann'), '', 'without a schema, the table is created where search_path begins');
	query($node, 'shop', 'ALTER DATABASE shop SET search_path = early, late, public; GRANT USAGE ON SCHEMA late TO eve; GRANT ALL ON ALL TABLES IN SCHEMA late TO eve');
	append_to_file("$dir/early.sql", 'CREATE TABLE early."odd table" (LIKE late."odd table"); INSERT INTO early."odd table" TABLE late."odd table";
		CREATE TRIGGER t BEFORE INSERT OR DELETE ON early."odd table" FOR EACH ROW EXECUTE FUNCTION eve.change()');
	$bare{'in one transaction'} = slurp_file(script_file('001:003', $bare));
	$bare{'in several'} = slurp_file(script_file('001:003', "$bare, transaction_per_revision => true"));
	foreach my $kind (sort keys %bare)
	{
		my @parts = split /(?<=;\n)(?=BEGIN ISO|\n?COMMIT|DO|CREATE|RESET)/, $bare{$kind};
		my %states;

		foreach my $number (0 .. $#parts)
		{
			query($node, 'shop', 'DROP TABLE IF EXISTS t2, t3, late.t2, late.t3, early.t2, early.t3, early."odd table"');
			query($node, 'shop', q{UPDATE late."odd table" SET version_num = '001'});
			unlink "$dir/bare.sql";
			append_to_file("$dir/bare.sql", join('', @parts[ 0 .. $number - 1 ], "\\! psql -X -q -U eve -d shop -f $dir/early.sql\n", @parts[ $number .. $#parts ]));
			my $err = run("$dir/bare.sql");
			my $state = query($node, 'shop', 'TABLE late."odd table"');

			unlike($err, qr/runs as/, "$kind: no code of eve runs, if she creates a table before part $number");
			like($err, $state eq '003' ? qr/^$/ : qr/ERROR:  (?:42501: early\."odd table" belongs to role eve|MG025: "odd table" is no longer the table)/,
				"the state is $state");
			$states{$state} = 1;
		}
		is(join(',', sort keys %states), $kind =~ /one/ ? '001,003' : '001,002,003', "$kind: what ran is recorded");
	}
	query($node, 'shop', 'DROP TABLE IF EXISTS t2, t3, late.t2, late.t3, early.t2, early.t3, early."odd table"; UPDATE late."odd table" SET version_num = \'001\'');
	IPC::Run::run([ 'psql', '-XAtq', '-d', 'shop', '-c', $bare{'in one transaction'} ], '>&', \my $output);
	is($output . query($node, 'shop', 'TABLE late."odd table"'), '003', 'a script in one transaction is plain SQL');
	query($node, 'shop', 'ALTER DATABASE shop RESET search_path; DROP SCHEMA early, late CASCADE');
	# the files have the same names
	script_file($_) foreach 'base:001', '001:003';
}

# whose tables are used
for my $case ([ 'ann', undef, 1 ], [ 'ann', 'bob', 1 ], [ 'ann', 'ann', 1 ], [ 'bob', 'ann', 0 ], [ 'eve', 'ann', 0 ])
{
	my ($owner, $user, $is_used) = @$case;
	my $name = 'a table of ' . $owner . ' is ' . ($is_used ? '' : 'not ') . 'used by ' . ($user // 'a superuser');

	reset_table();
	query($node, 'shop', "$table; ALTER TABLE public.cmig_version OWNER TO $owner;
		GRANT ALL ON public.cmig_version TO ann, bob; GRANT ALL ON SCHEMA public TO ann, bob");
	my $err = run($first, $user);
	$is_used ? is($err, '', $name) : like($err, qr/ERROR:  42501: .* belongs to role $owner/, $name);
}

# The hint about a run that was interrupted can be pasted into a shell, whatever the row says.
query($node, 'postgres', 'CREATE DATABASE engine');
foreach my $range ('base:001', '001:002')
{
	$node->psql('engine', '\i ' . script_file($range, ", version_table => 'cmig_engine.version'"), stderr => \my $err);
	like($err, qr/HINT:  Complete it first: cmig upgrade '003 `id`'\. /, 'a name is quoted') if $range ne 'base:001';
	query($node, 'engine', q{INSERT INTO cmig_engine.progress VALUES ('003 `id`', 'upgrade', '', 1, false)}) if $range eq 'base:001';
}

done_testing();
