# Copyright (c) 2026, the pg_cmig developers

# Random histories of two builds that write the same expanded tables, compared with a
# model: after each statement, in the transaction that ran it, each row must have the
# values that cmig:up and cmig:down say.  The sessions interleave their transactions;
# each writes the rows of one parity until both have ended theirs.
#
# A round expands the revision, writes, and contracts or abandons it.  CMIG_STATEMENTS is
# the number of statements, and CMIG_SEED is the seed.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $statements = $ENV{CMIG_STATEMENTS} || 2000;
my $seed = $ENV{CMIG_SEED} // 20260129;
srand($seed);
note("CMIG_SEED=$seed");

sub pick { return $_[ int rand @_ ] }
sub chance { return rand() < $_[0] }

# --- the tables -------------------------------------------------------------------

# An expression that raises an error returns \'SQLSTATE'.
sub to_int
{
	my ($text, $limit) = @_;

	return undef unless defined $text;
	return \'22P02' unless $text =~ /^\s*-?\d+\s*$/;
	return abs($text) > $limit ? \'22003' : $text + 0;
}
sub part { my ($text, $n) = @_; return defined $text ? (split(/ /, $text, -1))[ $n - 1 ] // '' : undef }
sub both { my ($one, $between, $two) = @_; return defined $one && defined $two ? "$one$between$two" : undef }
sub instant { my ($text, $zone) = @_; return defined $text ? ($text =~ s/\+00$//r) . $zone : undef }

sub one { return sprintf '%.1f', int($_[0] / 10 + 0.5) / 10 }

my $int = [ 'int', sub { return int rand 50 } ];
my $name = [ 'text', sub { return join ' ', map { pick('ann', 'bo', 'Cy', '', 'd"e') } 1 .. pick(1, 2, 2, 2, 3) } ];
my $word = [ 'text', sub { return pick('x', 'yy', 'Zed', '') } ];
my $big = [ 'bigint', sub { return chance(0.1) ? 5000000000 : int rand 50 } ];
my $digits = [ 'text', sub { return chance(0.2) ? 'nine' : int rand 50 } ];
my $when = [ 'timestamp', sub { return sprintf '2026-03-%02d %02d:30:00', 1 + rand 28, rand 24 } ];
my $mixed = [ 'text', sub { return pick('Ada', 'bob', 'CY', 'dEE') } ];
my $cents = [ 'int', sub { return int rand 1000 } ];
my $amount = [ 'numeric(10, 1)', sub { return one(int rand 10000) } ];
my $zoned = [ 'timestamptz', sub { return $when->[1]->() . '+00' } ];

# A column of a table: its names in the old and in the new version, type and values,
# default in the old and in the new version, options, and what its expression reads.
sub column
{
	my ($old, $new, $type, $old_default, $new_default, %more) = @_;

	return { old => $old, new => $new, type => $type->[0], value => $type->[1], default => { old => $old_default, new => $new_default },
		key => defined $old ? "o.$old" : "h.$new", %more };
}
my $id = sub { return column('id', 'id', $int, undef, undef, required => 'both') };

my %tables = (
	# split: "up" loses what is after the second blank
	person => {
		new => 'person',
		columns => [ $id->(),
			column('name', undef, $name, undef, undef, required => 'old', reads => [ 'h.first', 'h.last' ],
				is => sub { return both($_[0]{'h.first'}, ' ', $_[0]{'h.last'}) }),
			column('age', 'age', $int),
			column(undef, 'first', $word, undef, undef, required => 'new', reads => ['o.name'], is => sub { return part($_[0]{'o.name'}, 1) }),
			column(undef, 'last', $word, undef, undef, required => 'new', reads => ['o.name'], is => sub { return part($_[0]{'o.name'}, 2) }) ],
		before => 'name text NOT NULL, age int',
		change => <<'END_SQL' },
ALTER TABLE person ADD first text NOT NULL, ADD last text NOT NULL;
-- cmig:up person.first = split_part(name, ' ', 1)
-- cmig:up person.last = split_part(name, ' ', 2)
ALTER TABLE person DROP name;
-- cmig:down person.name = first || ' ' || last
CREATE INDEX ON person (last, lower(first));
END_SQL
	# column and table renamed, types changed, column dropped, default changed; "down"
	# of a number that is too large raises an error
	account => {
		new => 'client',
		columns => [ $id->(),
			column('title', 'label', $word, 't', 'l'),
			column('amount', undef, $int, 3, undef, required => 'old', reads => ['h.amount'], is => sub { return to_int($_[0]{'h.amount'}, 2**31) }),
			column('extra', undef, $word, 'e', undef, reads => ['o.title'], is => sub { return defined $_[0]{'o.title'} ? uc $_[0]{'o.title'} : undef }),
			column('placed', undef, $when, '2020-01-01 12:00:00', undef, reads => ['h.placed'], is => sub { return instant($_[0]{'h.placed'}, '') }),
			column(undef, 'amount', $big, undef, 3, required => 'new', reads => ['o.amount'], is => sub { return $_[0]{'o.amount'} }),
			column(undef, 'placed', $zoned, undef, '2020-01-01 12:00:00+00', reads => ['o.placed'], is => sub { return instant($_[0]{'o.placed'}, '+00') }) ],
		before => "title text DEFAULT 't', amount int NOT NULL DEFAULT 3, extra text DEFAULT 'e', placed timestamp DEFAULT '2020-01-01 12:00:00'",
		change => <<'END_SQL' },
ALTER TABLE account RENAME title TO label;
ALTER TABLE account ALTER label SET DEFAULT 'l', ALTER amount TYPE bigint, DROP extra;
-- cmig:down account.extra = upper(label)
ALTER TABLE account ALTER placed TYPE timestamptz USING placed AT TIME ZONE 'UTC';
-- cmig:down account.placed = placed AT TIME ZONE 'UTC'
ALTER TABLE account RENAME TO client;
END_SQL
	# merge, column added with a default
	place => {
		new => 'place',
		columns => [ $id->(),
			column('street', undef, $word, undef, undef, reads => ['h.address'], is => sub { return part($_[0]{'h.address'}, 1) }),
			column('town', undef, $word, 'here', undef, reads => ['h.address'], is => sub { return part($_[0]{'h.address'}, 2) }),
			column('n', 'n', $int, 1, 1),
			column(undef, 'address', $name, undef, undef, required => 'new', reads => [ 'o.street', 'o.town' ],
				is => sub { return ($_[0]{'o.street'} // '') . ' ' . ($_[0]{'o.town'} // '') }),
			column(undef, 'kind', $int, undef, 5, required => 'new', reads => [], is => sub { return 5 }) ],
		before => "street text, town text DEFAULT 'here', n int DEFAULT 1",
		change => <<'END_SQL' },
ALTER TABLE place ADD address text NOT NULL, ADD kind int NOT NULL DEFAULT 5;
-- cmig:up place.address = coalesce(street, '') || ' ' || coalesce(town, '')
ALTER TABLE place DROP street, DROP town;
-- cmig:down place.street = split_part(address, ' ', 1)
-- cmig:down place.town = split_part(address, ' ', 2)
END_SQL
	# expressions that lose information in both directions
	coin => {
		new => 'coin',
		columns => [ $id->(),
			column('name', undef, $mixed, undef, undef, reads => ['h.name'], is => sub { return defined $_[0]{'h.name'} ? lc $_[0]{'h.name'} : undef }),
			column('cents', undef, $cents, 7, undef, required => 'old', reads => ['h.amount'],
				is => sub { return defined $_[0]{'h.amount'} ? sprintf('%d', $_[0]{'h.amount'} * 100 + 0.5) : undef }),
			column(undef, 'name', $mixed, undef, 'Anon', reads => ['o.name'], is => sub { return defined $_[0]{'o.name'} ? uc $_[0]{'o.name'} : undef }),
			column(undef, 'amount', $amount, undef, '0.5', required => 'new', reads => ['o.cents'], is => sub { return defined $_[0]{'o.cents'} ? one($_[0]{'o.cents'}) : undef }) ],
		before => 'name text, cents int NOT NULL DEFAULT 7',
		change => <<'END_SQL' },
ALTER TABLE coin ALTER name SET DEFAULT 'Anon';
-- cmig:up coin.name = upper(name)
-- cmig:down coin.name = lower(name)
ALTER TABLE coin ADD amount numeric(10, 1) NOT NULL DEFAULT 0.5;
-- cmig:up coin.amount = cents / 100.0
ALTER TABLE coin DROP cents;
-- cmig:down coin.cents = amount * 100
END_SQL
	# "up" raises an error for some rows of the old build; expressions read a column of
	# both versions
	digit => {
		new => 'digit',
		columns => [ $id->(),
			column('n', 'n', $int),
			column('s', undef, $digits, undef, undef, reads => ['h.s'], is => sub { return $_[0]{'h.s'} }),
			column('tag', undef, $word, undef, undef, reads => [ 'h.tag', 'o.n' ], is => sub { return ($_[0]{'h.tag'} // '-') . ($_[0]{'o.n'} // '') }),
			column(undef, 's', $int, undef, undef, reads => ['o.s'], is => sub { return to_int($_[0]{'o.s'}, 2**31) }),
			column(undef, 'tag', $word, undef, undef, reads => [ 'o.tag', 'o.n' ], is => sub { return ($_[0]{'o.tag'} // '-') . ($_[0]{'o.n'} // '') }) ],
		before => 'n int, s text, tag text',
		change => <<'END_SQL' },
ALTER TABLE digit ALTER s TYPE int USING s::int;
ALTER TABLE digit ALTER tag TYPE varchar(90) USING coalesce(tag, '-') || coalesce(n::text, '');
-- cmig:down digit.tag = coalesce(tag, '-') || coalesce(n::text, '')
END_SQL
	# row-level security hides the rows whose id ends with 8 or 9; triggers of the user;
	# a generated column
	secret => {
		new => 'secret',
		columns => [ $id->(),
			column('name', undef, $word, 'q', undef, reads => ['h.label'], is => sub { return defined $_[0]{'h.label'} ? lc $_[0]{'h.label'} : undef }),
			column('n', 'n', $int, 0, 0),
			column('twice', 'twice', $int, undef, undef, generated => sub { return defined $_[0]{'o.n'} ? 2 * $_[0]{'o.n'} : undef }),
			column('times', 'times', $int, 0, 0),
			column(undef, 'label', $word, undef, undef, reads => ['o.name'], is => sub { return defined $_[0]{'o.name'} ? "$_[0]{'o.name'}." : undef }) ],
		hidden => sub { return $_[0] % 10 >= 8 },
		trigger => sub {
			my ($row, $insert) = @_;

			$row->{'o.times'}++ if defined $row->{'o.times'};
			$row->{'o.name'} .= '!' if $insert && defined $row->{'o.name'};
		},
		before => "name text DEFAULT 'q', n int DEFAULT 0, twice int GENERATED ALWAYS AS (n * 2) STORED, times int DEFAULT 0",
		more => <<'END_SQL',
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON secret USING (id % 10 < 8);
CREATE FUNCTION count_writes() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
	NEW.times := NEW.times + 1;
	IF TG_OP = 'INSERT' THEN NEW.name := NEW.name || '!'; END IF;
	RETURN NEW;
END$$;
CREATE TRIGGER a BEFORE INSERT OR UPDATE ON secret FOR EACH ROW EXECUTE FUNCTION count_writes();
END_SQL
		change => <<'END_SQL' },
ALTER TABLE secret ADD label text;
-- cmig:up secret.label = name || '.'
ALTER TABLE secret DROP name;
-- cmig:down secret.name = lower(label)
END_SQL
	# a trigger of the user writes through both versions of another table
	cause => {
		new => 'cause',
		columns => [ $id->(),
			column('a', undef, $int, 1, undef, reads => ['h.b'], is => sub { return defined $_[0]{'h.b'} ? 0 - $_[0]{'h.b'} : undef }),
			column(undef, 'b', $int, undef, undef, reads => ['o.a'], is => sub { return defined $_[0]{'o.a'} ? 0 - $_[0]{'o.a'} : undef }) ],
		nested => 1,
		before => 'a int DEFAULT 1',
		more => <<'END_SQL',
CREATE FUNCTION nest() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
	INSERT INTO public.person (id, name) VALUES (100000 + 2 * NEW.id + TG_ARGV[0]::int, 'nested old') ON CONFLICT DO NOTHING;
	IF to_regnamespace('public_042') IS NOT NULL THEN
		INSERT INTO public_042.person (first, id, last) VALUES ('nested', 200000 + 2 * NEW.id + TG_ARGV[0]::int, 'new one') ON CONFLICT (id) DO NOTHING;
	END IF;
	RETURN NEW;
END$$;
CREATE TRIGGER a BEFORE INSERT ON cause FOR EACH ROW WHEN (NEW.id % 2 = 0) EXECUTE FUNCTION nest(0);
CREATE TRIGGER b AFTER INSERT ON cause FOR EACH ROW WHEN (NEW.id % 2 = 1) EXECUTE FUNCTION nest(1);
END_SQL
		change => <<'END_SQL' });
ALTER TABLE cause ADD b int;
-- cmig:up cause.b = -a
ALTER TABLE cause DROP a;
-- cmig:down cause.a = -b
END_SQL
foreach my $table (keys %tables)
{
	my $t = $tables{$table};

	$t->{name} = { old => $table, new => $t->{new} };
	$t->{of}{$_->{key}} = $_ foreach @{ $t->{columns} };
	$t->{shared} = [ grep { defined $_->{old} && defined $_->{new} } @{ $t->{columns} } ];
	$t->{down} = [ grep { !defined $_->{new} } @{ $t->{columns} } ];
	$t->{up} = [ grep { !defined $_->{old} } @{ $t->{columns} } ];
}

# --- the model --------------------------------------------------------------------

# table => { id => { key => value, failed => an "up" raised an error } }
my %rows = map { $_ => {} } keys %tables;

# What is wrong with the row, for a build: a SQLSTATE, or undef.
sub null_error
{
	my ($t, $build, $row) = @_;

	foreach my $column (@{ $t->{columns} })
	{
		my $required = $column->{required} // '';

		return '23502' if ($required eq 'both' || $required eq $build) && !defined $row->{ $column->{key} };
	}
	return undef;
}

# Computes columns of the other version.  Returns an error of "down".
sub compute
{
	my ($t, $row, $up, $down) = @_;

	delete $row->{failed} if @$up;
	foreach my $column (@$up)
	{
		my $value = $column->{is}->($row);

		$row->{failed} = 1 if ref $value || ($column->{required} && !defined $value);
		$row->{ $column->{key} } = ref $value ? undef : $value;
	}
	foreach my $column (@$down)
	{
		my $value = $column->{is}->($row);

		return $$value if ref $value;
		return '23502' if $column->{required} && !defined $value;
		$row->{ $column->{key} } = $value;
	}
	return undef;
}

sub generate
{
	my ($t, $row) = @_;

	$row->{ $_->{key} } = $_->{generated}->($row) foreach grep { $_->{generated} } @{ $t->{columns} };
}

# Runs a trigger of the user on a row.  If the new build writes it, the trigger sees the columns of the old version
# as they are then, and what it sets there is transformed.
sub fire
{
	my ($t, $build, $row, $insert, @down) = @_;
	my @set;

	return undef unless $t->{trigger};
	compute($t, $row, [], \@down);
	my %shown = %$row;
	$t->{trigger}->($row, $insert);
	return undef if $build eq 'old';
	@set = grep { ($shown{ $_->{key} } // "\0") ne ($row->{ $_->{key} } // "\0") } @{ $t->{down} };
	return compute($t, $row, [ grep { my $up = $_; grep { my $key = $_->{key}; grep({ $_ eq $key } @{ $up->{reads} }) && grep({ $_ eq $up->{key} } @{ $_->{reads} }) } @set } @{ $t->{up} } ], []);
}

# The row before its key is looked for: (row, error).
sub proposed
{
	my ($t, $build, $given) = @_;
	my $row = {};
	my $error;

	foreach my $column (@{ $t->{columns} })
	{
		my $key = $column->{key};

		# a column of the old version alone that the new build does not name has its default, until it is computed
		$row->{$key} = exists $given->{$key} ? $given->{$key} : $column->{default}{ defined $column->{$build} ? $build : 'old' };
	}
	my @down = $build eq 'new' ? @{ $t->{down} } : ();

	$error = fire($t, $build, $row, 1, @down);
	$error //= null_error($t, 'new', $row) if $build eq 'new';
	$error //= compute($t, $row, $build eq 'old' ? $t->{up} : [], $t->{trigger} ? [] : \@down);
	$error //= null_error($t, 'old', $row);
	generate($t, $row);
	$error //= '42501' if $t->{hidden} && $t->{hidden}->($row->{'o.id'});
	return ($row, $error);
}

sub nested
{
	my ($row) = @_;
	my $base = 2 * $row->{'o.id'} + $row->{'o.id'} % 2;

	foreach my $new ([ 'old', 100000 + $base, { 'o.name' => 'nested old' } ], [ 'new', 200000 + $base, { 'h.first' => 'nested', 'h.last' => 'new one' } ])
	{
		my ($build, $id, $given) = @$new;

		($rows{person}{$id}) = proposed($tables{person}, $build, { %$given, 'o.id' => $id }) unless $rows{person}{$id};
	}
}

sub change
{
	my ($t, $build, $row, $set) = @_;
	my %before = %$row;
	my $named_new = $build eq 'new' && grep { !defined $t->{of}{$_}{old} } keys %$set;
	my $changed = sub { return ($before{ $_[0] } // "\0") ne ($row->{ $_[0] } // "\0") };
	my $reads = sub { return grep { $changed->($_) } @{ $_[0]{reads} } };
	my $error;

	$row->{$_} = $set->{$_} foreach keys %$set;
	$error = fire($t, $build, $row, 0, grep { $build eq 'new' && $reads->($_) } @{ $t->{down} });
	# only the columns of the other version are computed, or what could not be transformed
	my @up = grep { $build eq 'old' ? $before{failed} || $reads->($_) : $before{failed} && !exists $set->{ $_->{key} } } @{ $t->{up} };
	my @down = grep { $build eq 'new' && !$changed->($_->{key}) && $reads->($_) } @{ $t->{down} };
	delete $row->{failed} if $before{failed};
	$error //= compute($t, $row, \@up, []);
	# a column that is written back as NULL does not make up for an expression that still fails
	foreach my $column (grep { $build eq 'new' && $before{failed} && exists $set->{ $_->{key} } } @{ $t->{up} })
	{
		my $key = $column->{key};

		$row->{failed} = 1 if !$column->{required} && !defined $row->{$key} && !defined $before{$key} && ref $column->{is}->($row);
	}
	$error //= null_error($t, 'new', $row) if $named_new && !$row->{failed};
	$error //= compute($t, $row, [], \@down);
	$error //= null_error($t, 'old', $row);
	generate($t, $row);
	return $error // ($t->{hidden} && $t->{hidden}->($row->{'o.id'}) ? '42501' : undef);
}

# --- the sessions -----------------------------------------------------------------

my $node = new_node('expand_writers', 'autovacuum = off', 'jit = off', "timezone = 'UTC'");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_cmig; CREATE ROLE app LOGIN');
sub sql { return $node->safe_psql('postgres', $_[0]) }
my @tables = sort keys %tables;
sub partitions { return chance(0.6) ? '' : " PARTITION BY HASH (id);\n" . join ";\n", map { "CREATE TABLE $_[0]_$_ PARTITION OF $_[0] FOR VALUES WITH (MODULUS 3, REMAINDER $_)" } 0 .. 2 }
sql(load_sql(
		revision_file('001', '', join('', map { "CREATE TABLE $_ (id int PRIMARY KEY, $tables{$_}{before})" . partitions($_) . ";\nGRANT ALL ON $_ TO app;\n" . ($tables{$_}{more} // '') } @tables)),
		revision_file('042', '001', join('', map { $tables{$_}{change} } @tables), '') =~ s/(-- message)/-- expand: true\n$1/r));
sql(q{SELECT FROM cmig.upgrade('001')});
sql(q{SELECT cmig.enable_audit('person')});
my $drift = sql('SELECT object FROM cmig.drift()');

my %session;
my $parity;						# of the ids that the old build writes
my %saved;						# session => copies of its rows, for ROLLBACK and savepoints
my $done = 0;
my %count;
my $next_id = 100;

sub mine { my ($who) = @_; return $who eq 'old' ? $parity : 1 - $parity }

sub own
{
	my ($who, $table) = @_;

	return sort { $a <=> $b } grep { $_ % 2 == mine($who) } keys %{ $rows{$table} };
}

sub copy_rows
{
	my ($who) = @_;

	return { map { my $table = $_; $table => { map { $_ => { %{ $rows{$table}{$_} } } } own($who, $table) } } @tables };
}

sub restore_rows
{
	my ($who, $copy) = @_;

	foreach my $table (@tables)
	{
		delete @{ $rows{$table} }{ own($who, $table) };
		$rows{$table}{$_} = { %{ $copy->{$table}{$_} } } foreach keys %{ $copy->{$table} };
	}
}

sub literal
{
	my ($column, $value) = @_;

	return 'NULL::' . $column->{type} unless defined $value;
	return "'" . ($value =~ s/'/''/gr) . "'::$column->{type}";
}

sub line
{
	my ($t, $row, @columns) = @_;

	return join '|', map { $row->{ $_->{key} } // '~' } @columns;
}

sub columns_of { my ($t, $build) = @_; return grep { defined $_->{$build} } @{ $t->{columns} } }
sub writable { my ($t, $build) = @_; return grep { defined $_->{$build} && !$_->{generated} } @{ $t->{columns} } }

# What the table contains, as the real table has it.
sub look
{
	my ($table, $where) = @_;
	my $t = $tables{$table};

	return 'SELECT ' . join(', ', map { $_->{old} // "cmig_new_$_->{new}" } @{ $t->{columns} }) . ", cmig_state IS NULL FROM public.$table WHERE $where ORDER BY id";
}

sub expected
{
	my ($table, @ids) = @_;
	my $t = $tables{$table};

	return map { line($t, $rows{$table}{$_}, @{ $t->{columns} }) . ($rows{$table}{$_}{failed} ? '|f' : '|t') } sort { $a <=> $b } @ids;
}

# --- statements -------------------------------------------------------------------

# Each returns (SQL, lines that RETURNING prints, SQLSTATE or undef), and changes %rows.

sub new_given
{
	my ($t, $build, $id, $columns) = @_;

	return { 'o.id' => $id, map { $_->{key} => chance(0.07) ? undef : $_->{value}->() } grep { $_->{key} ne 'o.id' } @$columns };
}

sub fresh
{
	my ($who) = @_;

	$next_id++ until $next_id % 2 == mine($who);
	return $next_id++;
}

sub some_columns
{
	my ($t, $build) = @_;

	return grep { $_->{key} eq 'o.id' || chance(($_->{required} // '') eq $build ? 0.95 : 0.7) } writable($t, $build);
}

# Inserts rows into the model, with ON CONFLICT for ids that exist.
sub insert_rows
{
	my ($table, $build, $given, $set) = @_;
	my $t = $tables{$table};
	my @lines;

	foreach my $one (@$given)
	{
		my ($row, $error) = proposed($t, $build, $one);
		my $id = $one->{'o.id'};
		my $old = $rows{$table}{$id};

		return (undef, $error) if $error;
		# a BEFORE trigger fires for a row that conflicts, too
		nested($row) if $t->{nested} && $id % 2 == 0;
		if ($old)
		{
			return (undef, '23505') unless defined $set;
			if (ref $set)
			{
				# EXCLUDED is the row after the BEFORE triggers
				my $new = {%$old};
				my $error = change($t, $build, $new, { map { $_ => $row->{$_} } @$set });

				return (undef, $error) if $error;
				$rows{$table}{$id} = $new;
				push @lines, line($t, $new, columns_of($t, $build));
			}
			next;
		}
		$rows{$table}{$id} = $row;
		push @lines, line($t, $row, columns_of($t, $build));
		nested($row) if $t->{nested} && $id % 2;
	}
	return (\@lines, undef);
}

sub values_list
{
	my ($columns, @given) = @_;

	return join ', ', map { my $one = $_; '(' . join(', ', map { exists $one->{ $_->{key} } ? literal($_, $one->{ $_->{key} }) : 'DEFAULT' } @$columns) . ')' } @given;
}

sub returning { my ($t, $build) = @_; return ' RETURNING ' . join ', ', map { $_->{$build} } columns_of($t, $build) }
sub names { my ($build, @columns) = @_; return join ', ', map { $_->{$build} } @columns }

sub insert
{
	my ($who, $build, $table, $target, $form) = @_;
	my $t = $tables{$table};
	my @columns = some_columns($t, $build);
	my @ids = map { fresh($who) } 1 .. pick(1, 1, 2, 4);
	my @there = own($who, $table);
	my $conflict = $form =~ /conflict/;

	$ids[0] = pick(@there) if @there && ($conflict ? chance(0.7) : $form eq 'values' && chance(0.03));
	@ids = grep { !$t->{hidden} || !$t->{hidden}->($_) || chance(0.1) } @ids;
	@ids = @ids ? @ids : (fresh($who));
	my @given = map { new_given($t, $build, $_, \@columns) } @ids;
	my $sql = "INSERT INTO $target (" . names($build, @columns) . ') ';
	my $set;

	if ($form eq 'select')
	{
		my $limit = 1 + int rand @given;
		my $down = chance(0.5);

		@given = sort { $down ? $b->{'o.id'} <=> $a->{'o.id'} : $a->{'o.id'} <=> $b->{'o.id'} } @given;
		$sql .= 'SELECT * FROM (VALUES ' . values_list(\@columns, reverse @given) . ') v (' . names($build, @columns) . ') ORDER BY id ' . ($down ? 'DESC' : '') . " LIMIT $limit";
		splice @given, $limit;
	}
	elsif ($form eq 'copy')
	{
		my ($lines, $error) = insert_rows($table, 'old', \@given);
		my @text = map { my $one = $_; join "\t", map { $one->{ $_->{key} } // '\\N' } @columns } @given;

		return ("COPY public.$table (" . names('old', @columns) . ") FROM STDIN;\n" . join("\n", @text, '\\.') . "\n", [], $error);
	}
	elsif ($form eq 'merge')
	{
		return ("MERGE INTO $target t USING (VALUES " . values_list(\@columns, @given) . ') v (' . names($build, @columns)
			  . ') ON t.id = v.id WHEN NOT MATCHED THEN INSERT (' . names($build, @columns) . ') VALUES (' . join(', ', map { "v.$_->{$build}" } @columns) . ')',
			[], (insert_rows($table, $build, \@given))[1]);
	}
	else
	{
		foreach my $one (@given)
		{
			delete @$one{ grep { $_ ne 'o.id' && chance(0.1) } keys %$one };
		}
		$sql .= 'VALUES ' . values_list(\@columns, @given);
		if ($conflict)
		{
			my @set = grep { $_->{key} ne 'o.id' && chance(0.7) } @columns;

			$set = $form eq 'conflict' || !@set ? 0 : [ map { $_->{key} } @set ];
			$sql .= ' ON CONFLICT ' . ($set ? '(id) DO UPDATE SET ' . join(', ', map { "$_->{$build} = EXCLUDED.$_->{$build}" } @set) : 'DO NOTHING');
		}
	}
	my ($lines, $error) = insert_rows($table, $build, \@given, $set);
	my $returns = chance(0.5);
	$sql .= returning($t, $build) if $returns;
	return ($returns && chance(0.2) ? "WITH i AS ($sql) TABLE i" : $sql, $returns ? $lines : [], $error);
}

sub update
{
	my ($who, $build, $table, $target, $form) = @_;
	my $t = $tables{$table};
	my @ids = grep { !$t->{hidden} || !$t->{hidden}->($_) } own($who, $table);
	my @columns = grep { $_->{key} ne 'o.id' } writable($t, $build);
	my %set;
	my @lines;
	my $sql;

	@ids = (pick(@ids)) if @ids && ($form eq 'orm' || chance(0.5));
	my $where = @ids ? 'id IN (' . join(', ', @ids) . ')' : 'false';
	if ($form eq 'orm')
	{
		# all columns are written back, and one of them may have changed
		my $row = @ids ? $rows{$table}{ $ids[0] } : {};
		my $one = pick(@columns, undef, undef);

		%set = map { $_->{key} => $row->{ $_->{key} } } @columns;
		$set{ $one->{key} } = $one->{value}->() if $one;
	}
	elsif ($form ne 'same')
	{
		my @some = grep { chance(0.4) } @columns;

		@some = (pick(@columns)) unless @some;
		%set = map { $_->{key} => chance(0.05) ? undef : $_->{value}->() } @some;
	}
	if ($form eq 'same')
	{
		my $column = pick(@columns);

		$sql = "UPDATE $target SET $column->{$build} = $column->{$build} WHERE $where";
		%set = ($column->{key} => undef);
	}
	elsif ($form eq 'from')
	{
		my @named = map { $t->{of}{$_} } sort keys %set;

		$sql = "UPDATE $target t SET " . join(', ', map { "$_->{$build} = v.$_->{$build}" } @named)
		  . ' FROM (SELECT ' . join(', ', map { literal($_, $set{ $_->{key} }) . " AS $_->{$build}" } @named) . ") v WHERE $where";
	}
	else
	{
		$sql = "UPDATE $target SET " . join(', ', map { $t->{of}{$_}{$build} . ' = ' . literal($t->{of}{$_}, $set{$_}) } sort keys %set) . " WHERE $where";
	}
	foreach my $id (@ids)
	{
		my $row = { %{ $rows{$table}{$id} } };
		my $error = change($t, $build, $row, $form eq 'same' ? { map { $_ => $row->{$_} } keys %set } : \%set);

		return ($sql, undef, $error) if $error;
		$rows{$table}{$id} = $row;
		push @lines, line($t, $row, columns_of($t, $build));
	}
	return ($sql . returning($t, $build), \@lines, undef) if @ids == 1 && $form ne 'from';
	return ($sql, [], undef);
}

# One statement writes through both versions.
sub both_versions
{
	my ($who, $build, $table) = @_;
	my $t = $tables{$table};
	my @ids = map { fresh($who) } 1 .. pick(1, 2, 3);
	my $first = pick('old', 'new');
	my $second = $first eq 'old' ? 'new' : 'old';
	my %target = (old => "public.$table", new => "public_042.$t->{new}");
	my @columns = writable($t, $first);
	my @other = writable($t, $second);
	my @given = map { new_given($t, $first, $_, \@columns) } @ids;
	my %constant = %{ new_given($t, $second, 0, \@other) };
	my ($lines, $error) = insert_rows($table, $first, \@given);
	my @more = map { { %constant, 'o.id' => $_->{'o.id'} + 50000 } } @given;
	my @select = map { $_->{key} eq 'o.id' ? 'id + 50000' : literal($_, $constant{ $_->{key} }) } @other;

	($lines, $error) = insert_rows($table, $second, \@more) unless $error;
	return ("WITH x AS (INSERT INTO $target{$first} (" . names($first, @columns) . ') VALUES ' . values_list(\@columns, @given)
		  . " RETURNING id) INSERT INTO $target{$second} (" . names($second, @other) . ') SELECT ' . join(', ', @select) . ' FROM x' . returning($t, $second),
		$lines, $error);
}

sub prepared
{
	my ($who, $build, $table) = @_;
	my $t = $tables{$table};
	my @columns = writable($t, $build);
	my $id = fresh($who);

	$id += 2 while $t->{hidden} && $t->{hidden}->($id);
	$next_id = $id + 1 if $id >= $next_id;
	my $given = new_given($t, $build, $id, \@columns);
	my ($lines, $error) = insert_rows($table, $build, [$given]);

	return ("EXECUTE insert_$table (" . join(', ', map { literal($_, $given->{ $_->{key} }) } @columns) . ')', $lines, $error);
}

sub remove
{
	my ($who, $build, $table, $target) = @_;
	my $t = $tables{$table};
	my @ids = grep { chance(0.3) && !($t->{hidden} && $t->{hidden}->($_)) } own($who, $table);

	delete @{ $rows{$table} }{@ids};
	return ("DELETE FROM $target WHERE id IN (" . join(', ', 0, @ids) . ')', [], undef);
}

# The old build deletes rows, and inserts them again, with all columns of the table, of which it may change one.
sub again
{
	my ($who, $table) = @_;
	my $t = $tables{$table};
	my @ids = grep { chance(0.3) && !($t->{hidden} && $t->{hidden}->($_)) } own($who, $table);
	my ($changed) = chance(0.5) ? pick(grep { defined $_->{old} && !defined $_->{new} } @{ $t->{columns} }) : ();
	# an UPDATE would compute all columns again of a row that could not be transformed; this one need not
	@ids = grep { !$rows{$table}{$_}{failed} } @ids if $changed && @{ $t->{up} } > 1;
	my $value = $changed && $changed->{value}->();
	my %literal = $changed ? ($changed->{old} => literal($changed, $value)) : ();
	my @names = ('cmig_state', map { $_->{old} // "cmig_new_$_->{new}" } grep { !$_->{generated} } @{ $t->{columns} });

	foreach my $id (@ids)
	{
		my $row = { %{ $rows{$table}{$id} } };
		my $error = $changed && change({ %$t, trigger => undef }, 'old', $row, { $changed->{key} => $value });

		if ($t->{trigger} && !$error)
		{
			my %before = %$row;

			$t->{trigger}->($row, 1);
			$error = compute($t, $row, [ grep { grep { ($before{$_} // "\0") ne ($row->{$_} // "\0") } @{ $_->{reads} } } @{ $t->{up} } ], []);
		}
		return ('', undef, $error) if $error;
		$rows{$table}{$id} = $row;
	}
	return ("WITH d AS (DELETE FROM public.$table WHERE id IN (" . join(', ', 0, @ids) . ") RETURNING *) INSERT INTO public.$table (" . join(', ', @names)
		  . ') SELECT ' . join(', ', map { $literal{$_} // $_ } @names) . ' FROM d', [], undef);
}

# The new build does so with all columns of its version.
sub again_new
{
	my ($who, $table, $target) = @_;
	my $t = $tables{$table};
	my @ids = grep { chance(0.3) && !($t->{hidden} && $t->{hidden}->($_)) } own($who, $table);
	my @columns = writable($t, 'new');
	my @given = map { my $row = $rows{$table}{$_}; +{ map { $_->{key} => $row->{ $_->{key} } } @columns } } @ids;

	delete @{ $rows{$table} }{@ids};
	my ($lines, $error) = insert_rows($table, 'new', \@given);
	return ("WITH d AS (DELETE FROM $target WHERE id IN (" . join(', ', 0, @ids) . ') RETURNING *) INSERT INTO ' . $target . ' (' . names('new', @columns) . ') SELECT ' . names('new', @columns) . ' FROM d', [], $error);
}

# --- histories --------------------------------------------------------------------

# What the session runs next, and the output that is expected of it.
sub step
{
	my ($who) = @_;
	my $table = pick(@tables);
	my $t = $tables{$table};
	my $build = $who;
	my $target = chance(0.5) ? $t->{name}{$build} : ($build eq 'old' ? "public.$table" : "public_042.$t->{new}");
	my $copy = copy_rows($who);
	my $form = pick(qw(values values select conflict conflict_set conflict_set copy merge both prepared orm orm same set set from set delete again));
	my ($sql, $lines, $error);

	$form = 'values' if $form eq 'merge' && $build eq 'new' || $form =~ /both|prepared|copy/ && $t->{hidden};
	$form = 'set' if $form eq 'again' && $t->{nested};
	$form = 'delete' if keys %{ $rows{$table} } > 40;
	if ($form eq 'copy')
	{
		($sql, $lines, $error) = insert($who, 'old', $table, $target, $form);
	}
	elsif ($form eq 'both') { ($sql, $lines, $error) = both_versions($who, $build, $table) }
	elsif ($form eq 'prepared') { ($sql, $lines, $error) = prepared($who, $build, $table) }
	elsif ($form eq 'again') { ($sql, $lines, $error) = $build eq 'old' ? again($who, $table) : again_new($who, $table, $target) }
	elsif ($form eq 'delete') { ($sql, $lines, $error) = remove($who, $build, $table, $target) }
	elsif ($form =~ /orm|same|set$|from/ && $form !~ /conflict/) { ($sql, $lines, $error) = update($who, $build, $table, $target, $form) }
	else { ($sql, $lines, $error) = insert($who, $build, $table, $target, $form) }
	$count{$form}++;
	$count{error}++ if $error;
	restore_rows($who, $copy) if $error;

	my $script = "\\echo :mark\n";
	my @out = (':mark');
	my $guard = defined $saved{$who} && ($error || chance(0.15));
	$script .= "SAVEPOINT s;\n" if $guard;
	# psql does not set SQLSTATE for COPY; with two writers in one statement, the order of errors is open
	$error = 'error' if $error && $form eq 'both';
	$script .= $form eq 'copy' ? "$sql\\echo copied\n" : "$sql;\n" . (($error // '') eq 'error' ? "\\if :ERROR\n\\echo error\n\\endif\n" : "\\echo :SQLSTATE\n");
	push @out, $form eq 'copy' ? 'copied' : $error ? $error : (@$lines, '00000');
	if ($guard)
	{
		$script .= "ROLLBACK TO s;\n";
		restore_rows($who, $copy);
	}
	my @see = ($table, $t->{nested} ? 'person' : ());
	foreach my $seen (@see)
	{
		my $hidden = $tables{$seen}{hidden};

		$script .= look($seen, 'id % 2 = ' . mine($who)) . ";\n";
		push @out, expected($seen, own($who, $seen));
	}
	return ($script, @out);
}

sub history
{
	my ($most) = @_;
	my $here = 0;

	while ($here < $most )
	{
		# neither session is in a transaction
		$parity = int rand 2;
		foreach my $block (1 .. 12)
		{
			my $who = pick('old', 'new');
			my $script = '';
			my @out;

			if (!$saved{$who} && chance(0.5))
			{
				$script = "BEGIN;\n";
				$saved{$who} = copy_rows($who);
			}
			foreach (1 .. 1 + rand 8)
			{
				my ($part, @lines) = step($who);

				$script .= $part;
				push @out, @lines;
				$here++;
			}
			if ($saved{$who} && ($block > 10 || chance(0.4)))
			{
				my $end = pick('COMMIT', 'COMMIT', 'ROLLBACK');

				restore_rows($who, $saved{$who}) if $end eq 'ROLLBACK';
				delete $saved{$who};
				$script .= "$end;\n";
			}
			compare($who, $script, @out);
		}
		foreach my $who (grep { $saved{$_} } qw(old new))
		{
			delete $saved{$who};
			compare($who, "COMMIT;\n");
		}
	}
	$done += $here;
}

sub compare
{
	my ($who, $script, @expected) = @_;
	my $got = $session{$who}->query($script) // '';
	my $err = $session{$who}->{stderr};

	$session{$who}->{stderr} = '';
	return if $got eq join("\n", @expected);
	my @got = split /\n/, $got, -1;
	my $n = 0;
	$n++ while $n < @got && $n < @expected && $got[$n] eq $expected[$n];
	my $statement = grep { $_ eq ':mark' } @expected[ 0 .. $n - 1 ];
	my @parts = split /\\echo :mark\n/, $script;
	note("$err\n$script");
	fail("seed $seed, after statement $done: the $who build");
	diag("got ", $got[$n] // 'nothing', "\nexpected ", $expected[$n] // 'nothing', "\n", grep({ /ERROR/ } split /^/, $err), $parts[$statement]);
	die "not as the model says\n";
}

sub view_rows
{
	my ($schema, $build, $table) = @_;
	my $t = $tables{$table};
	my @columns = columns_of($t, $build);

	return sql("\\pset null '~'\nSELECT " . names($build, @columns) . " FROM $schema.$t->{name}{$build} ORDER BY id");
}

sub model_rows
{
	my ($build, $table) = @_;
	my $t = $tables{$table};

	return join "\n", map { line($t, $rows{$table}{$_}, columns_of($t, $build)) } sort { $a <=> $b } keys %{ $rows{$table} };
}

sub sessions
{
	foreach my $who (qw(old new))
	{
		$session{$who} = $node->background_psql('postgres', on_error_stop => 0, extra_params => [ '-U', 'app' ]);
		$session{$who}->set_query_timer_restart;
		$session{$who}->query("\\pset null '~'\nSET client_min_messages = error;" . ($who eq 'new' ? 'SET search_path = public_042, public' : ''));
	}
}

sub prepare
{
	my ($who) = @_;

	foreach my $table (grep { !$tables{$_}{hidden} } @tables)
	{
		my $t = $tables{$table};
		my @columns = writable($t, $who);

		$session{$who}->query("PREPARE insert_$table AS INSERT INTO $t->{name}{$who} (" . names($who, @columns) . ') VALUES ('
			  . join(', ', map { "\$$_" } 1 .. @columns) . ')' . returning($t, $who));
	}
}

my $rounds = 4;
foreach my $round (1 .. $rounds)
{
	sessions();
	# of the old build: before the revision is expanded
	prepare('old');
	sql('CALL cmig.expand()');
	prepare('new');
	# what the backfill has computed
	foreach my $table (@tables)
	{
		my $t = $tables{$table};

		compute($t, $_, $t->{up}, []) foreach values %{ $rows{$table} };
		is(sql("\\pset null '~'\n" . look($table, 'true')), join("\n", expected($table, keys %{ $rows{$table} })), "round $round: $table is filled");
	}
	history($statements / $rounds);
	foreach my $table (@tables)
	{
		is(view_rows('public', 'old', $table), model_rows('old', $table), "round $round: what the old build sees of $table");
		is(view_rows('public_042', 'new', $table), model_rows('new', $table), "round $round: what the new build sees of $table");
	}
	is(sql(q{SELECT count(*) FROM person p FULL JOIN (SELECT DISTINCT ON (row_key) row_key, new_row FROM cmig_audit.log
		ORDER BY row_key, seq DESC, command_id DESC, id DESC) l ON l.row_key = jsonb_build_object('id', p.id)
		WHERE l.new_row IS DISTINCT FROM (SELECT jsonb_object_agg(key, value) FROM jsonb_each(to_jsonb(p)) WHERE key !~ '^cmig_')}),
		'0', "round $round: the audit log has what the old build sees of person");
	$session{$_}->quit foreach qw(old new);
	last if $round == $rounds;
	sql('CALL cmig.abandon()');
	foreach my $table (@tables)
	{
		is(view_rows('public', 'old', $table), model_rows('old', $table), "round $round: $table after it was abandoned");
	}
	is(sql('SELECT object FROM cmig.drift()'), $drift, "round $round: no drift");
}

# rows that could not be transformed are repaired by the old build
sql(q{UPDATE digit SET s = '0' WHERE cmig_state IS NOT NULL});
foreach my $row (grep { $_->{failed} } values %{ $rows{digit} })
{
	change($tables{digit}, 'old', $row, { 'o.s' => '0' });
}
foreach my $table (grep { $_ ne 'digit' } @tables)
{
	delete $rows{$table}{$_} foreach grep { $rows{$table}{$_}{failed} } keys %{ $rows{$table} };
	sql("DELETE FROM $table WHERE cmig_state IS NOT NULL");
}
sql('CALL cmig.contract()');
is(view_rows('public', 'new', $_), model_rows('new', $_), "$_ after it was contracted") foreach @tables;
is(sql('SELECT object FROM cmig.drift()'), $drift, 'contracted: no drift');
is(sql(q{SELECT count(*) FROM cmig_audit.log l WHERE l::text ~ 'cmig_(new|state)'}), '0', 'the audit log has no hidden column');
note("$done statements: ", join ', ', map { "$count{$_} $_" } sort keys %count);
pass("as the model says, seed $seed");
$node->stop;
done_testing();
