# Copyright (c) 2026, the pg_cmig developers

# Sequences, columns, tables, and partitions.

package SchemaGenerator;

use strict;
use warnings;
use utf8;

use Storable qw(dclone);

our ($g, %KIND, @ROLES, @WORDS);

$KIND{sequence} = {
	class => 'SEQUENCE', in_schema => 1, owner => 1, acl => [qw(USAGE SELECT UPDATE)],
	attrs => [
		type => sub { pick('bigint', 'bigint', 'integer', 'smallint') }, increment => sub { pick(1, 1, 2, -1, 10) },
		max => sub { chance(30) ? number(100, 30000) : undef }, min => sub { chance(20) ? number(-50, 0) : undef },
		start => sub { chance(30) ? number(1, 50) : undef }, cache => sub { chance(20) ? number(2, 50) : undef },
		cycle => sub { chance(15) }, unlogged => sub { chance(5) },
	],
	sql => sub {
		my ($o) = @_;
		my %x = %$o;

		if ($x{increment} < 0) { delete $x{start}; delete $x{min}; delete $x{max} }
		return "CREATE " . ($x{unlogged} ? 'UNLOGGED ' : '') . "SEQUENCE " . q_name($o) . " AS $x{type} INCREMENT BY $x{increment}"
		  . (defined $x{min} ? " MINVALUE $x{min}" : '') . (defined $x{max} ? " MAXVALUE $x{max}" : '')
		  . (defined $x{start} ? " START WITH $x{start}" : '') . ($x{cache} ? " CACHE $x{cache}" : '') . ($x{cycle} ? ' CYCLE' : '');
	},
};

$KIND{owned_by} = {
	init => sub {
		my ($o) = @_;
		my ($seq) = some(1, objects('sequence')) or return 0;
		my @t = grep { $_->{schema}{o} == $seq->{schema}{o} && !$_->{parent} && !$_->{of_type} && !$_->{unlogged} && !$seq->{unlogged} && @{ $_->{columns} } && ($_->{owner} // '') eq ($seq->{owner} // '') } objects('table');
		my ($t) = some(1, @t) or return 0;

		return 0 if grep { $_ != $o && $_->{sequence}{o} == $seq->{id} } objects('owned_by');
		$o->{sequence} = ref_to($seq);
		$o->{column} = ref_to($t, pick(@{ $t->{columns} })->{id});
		return 1;
	},
	valid => sub {
		my ($o) = @_;
		my ($seq, $t) = (of($o->{sequence}), of($o->{column}));

		return ($seq->{owner} // '') eq ($t->{owner} // '') && $seq->{schema}{o} == $t->{schema}{o};
	},
	sql => sub { my ($o) = @_; "ALTER SEQUENCE " . q_name(of($o->{sequence})) . " OWNED BY " . q_name(of($o->{column})) . '.' . q_(column_of($o->{column})->{name}) },
	fixed_name => 1,
};

sub new_column
{
	my ($table, %given) = @_;
	my $c = { id => ++$g->{ids}, name => new_column_name($table), type => new_type(), %given };

	$c->{notnull} = chance(30) if !exists $c->{notnull};
	return $c if $given{fixed} || $given{plain};
	$c->{default} = dice() + 1 if chance(25);
	if (chance(6))
	{
		my ($f) = some(1, grep { $_->{language} eq 'sql' && !@{ $_->{args} } && $_->{form} eq 'scalar' } objects('function'));
		$c->{default_function} = ref_to($f) if $f;
	}
	elsif (chance(6))
	{
		my ($s) = some(1, objects('sequence'));
		$c->{default_sequence} = ref_to($s) if $s;
		$c->{type} = { base => 'bigint' } if $s;
	}
	elsif (chance(8))
	{
		$c->{identity} = pick('ALWAYS', 'BY DEFAULT');
		$c->{type} = { base => pick('integer', 'bigint') };
		$c->{identity_options} = chance(30) ? ' (INCREMENT BY ' . number(2, 5) . ' START WITH ' . number(1, 90) . ')' : '';
		$c->{notnull} = 1;
	}
	elsif (chance(10))
	{
		my ($source) = some(1, grep { !$_->{generated} } columns($table));
		$c->{generated} = { ref => ref_to($table, $source->{id}), n => dice() } if $source;
	}
	$c->{collation} = pick('C', 'POSIX', 'ucs_basic') if chance(8);
	$c->{storage} = pick('EXTERNAL', 'MAIN', 'PLAIN', 'EXTENDED') if chance(5);
	$c->{compression} = pick('pglz', 'lz4') if chance(5);
	$c->{statistics} = number(0, 500) if chance(5);
	$c->{options} = pick('n_distinct = -0.5', 'n_distinct = 10, n_distinct_inherited = 20') if chance(5);
	$c->{comment} = new_comment() if chance(10);
	$c->{acl} = [ { role => pick(@ROLES, 'PUBLIC'), privs => [ sort(some(number(1, 2), qw(SELECT INSERT UPDATE REFERENCES))) ] } ] if chance(8);
	return $c;
}

sub new_column_name
{
	my ($table) = @_;
	my %taken = map { $_->{name} => 1 } columns($table), map { columns($_) } grep { $_->{kind} eq 'table' && is_ancestor($table, $_) } objects('table');
	my $name = chance(30) && !$table->{inherits} ? pick(@WORDS) : new_name('col');

	return $taken{$name} ? 'col_' . ++$g->{names} : $name;
}

sub column_text
{
	my ($o, $c, $plain) = @_;
	my $t = type_of($c);
	my $sql = q_($c->{name}) . ' ' . type_text($t);

	$sql .= ' COMPRESSION ' . $c->{compression} if $c->{compression} && is_varlena($t) && !$plain;
	$sql .= ' COLLATE "' . $c->{collation} . '"' if $c->{collation} && class_of($t) eq 'text';
	if ($c->{generated})
	{
		$sql .= ' GENERATED ALWAYS AS (' . (expression($c->{generated}{ref}, $c->{generated}{n}))[0] . ') STORED';
	}
	elsif ($plain) { }
	elsif ($c->{identity} && class_of($t) eq 'int')
	{
		$sql .= " GENERATED $c->{identity} AS IDENTITY$c->{identity_options}" if !$o->{of_type};
	}
	elsif (my $d = default_text($c))
	{
		$sql .= " DEFAULT $d";
	}
	$sql .= ' NOT NULL' if $c->{notnull};
	return $sql;
}

sub default_text
{
	my ($c) = @_;
	my $t = type_of($c);

	return undef if $c->{generated};
	if (my $f = $c->{default_function} && of($c->{default_function}))
	{
		return q_name($f) . '()::text' if class_of($t) eq 'text' && ($f->{form} eq 'scalar' && !@{ $f->{args} });
		return undef;
	}
	if ($c->{default_sequence} && of($c->{default_sequence}) && class_of($t) eq 'int')
	{
		return 'nextval(' . lit(q_name(of($c->{default_sequence}))) . '::regclass)';
	}
	return $c->{default} ? literal($t, $c->{default}) : undef;
}

sub partition_bound
{
	my ($o) = @_;
	my $p = of($o->{parent})->{partition};
	my $c = column_of($p->{ref});
	my $text = class_of($c->{type}) eq 'text';
	my $n = $o->{slot};

	return 'DEFAULT' if $n == 0 && $p->{by} ne 'HASH';
	return $text ? "FOR VALUES IN ('v$n', 'w''$n'" . ($n == 1 ? ', NULL)' : ')') : "FOR VALUES IN (${n}1, ${n}2)" if $p->{by} eq 'LIST';
	return "FOR VALUES WITH (MODULUS 8, REMAINDER $n)" if $p->{by} eq 'HASH';
	my ($low, $high) = map { $text ? "'k$_'" : "${_}0" } $n, $n + 1;
	$low = 'MINVALUE' if $n == 1;
	$high = 'MAXVALUE' if $n == 7;
	return "FOR VALUES FROM ($low) TO ($high)";
}

sub new_partition
{
	my ($table) = @_;
	my ($c) = some(1, grep { $_->{fixed} } columns($table)) or return undef;

	return { by => pick('RANGE', 'LIST', 'HASH'), ref => ref_to($table, $c->{id}) };
}

sub free_slot
{
	my ($parent, $except) = @_;
	my %taken = map { $_->{slot} => 1 } grep { defined $_->{slot} && $_->{parent} && $_->{parent}{o} == $parent->{id} && $_->{id} != ($except // 0) } objects('table');

	return (some(1, grep { !$taken{$_} } 0 .. 7))[0];
}

our @TABLE_ACL = qw(SELECT INSERT UPDATE DELETE TRUNCATE REFERENCES TRIGGER);

$KIND{table} = {
	class => 'TABLE', in_schema => 1, owner => 1, acl => \@TABLE_ACL,
	init => sub {
		my ($o) = @_;
		my ($parent, $type);

		$o->{columns} = [];
		if (!$o->{plain} && chance(25) && (($parent) = some(1, grep { $_ != $o && $_->{partition} && defined free_slot($_) } objects('table'))))
		{
			$o->{parent} = ref_to($parent);
			$o->{slot} = free_slot($parent);
			$o->{attached} = chance(40);
			$o->{partition} = new_partition($o) if chance(25);
			return 1;
		}
		if (!$o->{plain} && chance(15) && (($parent) = some(1, grep { $_ != $o && !$_->{parent} && !$_->{partition} && !$_->{unlogged} && !$_->{of_type} } objects('table'))))
		{
			$o->{inherits} = [ ref_to($parent) ];
		}
		elsif (!$o->{plain} && chance(8) && (($type) = some(1, objects('composite'))))
		{
			$o->{of_type} = ref_to($type);
			return 1;
		}
		push @{ $o->{columns} }, new_column($o, fixed => 1, type => { base => pick('integer', 'bigint', 'text') }, notnull => 1);
		push @{ $o->{columns} }, new_column($o) for 1 .. number(0, 5);
		$o->{columns} = [ shuffled(@{ $o->{columns} }) ];
		$o->{partition} = new_partition($o) if chance(25) && !$o->{inherits} && !$o->{plain};
		if ($o->{partition})
		{
			delete @$_{qw(identity compression default_sequence)} for @{ $o->{columns} };
		}
		return 1;
	},
	attrs => [
		unlogged => sub { chance(6) && !$_[0]{parent} && !$_[0]{inherits} && !$_[0]{partition} },
		options => sub { chance(15) ? pick('fillfactor = 70', 'autovacuum_enabled = false', 'fillfactor = 50, toast.autovacuum_enabled = false', 'parallel_workers = 2, autovacuum_vacuum_scale_factor = 0.3') : undef },
		rls => sub { chance(12) }, force_rls => sub { chance(6) },
		replica => sub { chance(8) ? pick('FULL', 'NOTHING') : undef },
		dropped => sub { chance(20) ? number(1, 2) : 0 },
		column_statistics => sub { undef },
	],
	valid => sub {
		my ($o) = @_;

		return 0 if $o->{parent} && !of($o->{parent})->{partition};
		return 0 if $o->{unlogged} && has_children($o);
		return 0 if grep { of($_)->{partition} || of($_)->{parent} } @{ $o->{inherits} // [] };
		return 1;
	},
	changes => {
		'column added' => sub { my ($o) = @_; return 0 if $o->{parent} || $o->{of_type}; my $c = new_column($o); delete @$c{qw(identity compression default_sequence)} if $o->{partition}; splice(@{ $o->{columns} }, chance(70) ? @{ $o->{columns} } : 0, 0, $c); 1 },
		'column dropped' => sub { my ($o) = @_; my @c = grep { !$o->{columns}[$_]{fixed} } 0 .. $#{ $o->{columns} }; return 0 if !@c; splice(@{ $o->{columns} }, pick(@c), 1); 1 },
		'column type' => sub { my $c = free_column(@_) or return 0; $c->{type} = new_type(); 1 },
		'column not null' => sub { my $c = free_column(@_) or return 0; return 0 if $c->{identity}; $c->{notnull} = !$c->{notnull}; 1 },
		'column default' => sub { my $c = free_column(@_) or return 0; $c->{default} = $c->{default} && chance(40) ? undef : dice() + 1; 1 },
		'column renamed' => sub { my ($o) = @_; my $c = pick(@{ $o->{columns} }) or return 0; $c->{name} = new_column_name($o); 1 },
		'columns swapped' => sub { my ($o) = @_; my @c = some(2, @{ $o->{columns} }); return 0 if @c < 2; my ($x, $y) = @c; ($x->{name}, $y->{name}) = ($y->{name}, $x->{name}); 1 },
		'columns reordered' => sub { my ($o) = @_; return 0 if @{ $o->{columns} } < 2; push @{ $o->{columns} }, shift @{ $o->{columns} }; 1 },
		'column identity' => sub { my ($o) = @_; return 0 if $o->{partition}; my $c = free_column(@_) or return 0; if ($c->{identity}) { delete $c->{identity} if chance(50); $c->{identity} = pick('ALWAYS', 'BY DEFAULT') if $c->{identity}; return 1 } return 0 if class_of(type_of($c)) ne 'int' || $c->{default_sequence} || $c->{generated}; @$c{qw(identity identity_options notnull)} = ('ALWAYS', '', 1); 1 },
		'column generated' => sub { my $c = free_column(@_) or return 0; my ($o) = @_; if ($c->{generated}) { if (chance(50)) { $c->{type} = type_of($c); delete $c->{generated} } else { $c->{generated}{n} = dice() } return 1 } my ($s) = some(1, grep { !$_->{generated} && $_ != $c } columns($o)); return 0 if !$s || $c->{identity} || grep { $_->{generated} && $_->{generated}{ref}{c} == $c->{id} } columns($o); $c->{generated} = { ref => ref_to($o, $s->{id}), n => dice() }; 1 },
		'column collation' => sub { my $c = free_column(@_) or return 0; return 0 if class_of(type_of($c)) ne 'text'; $c->{collation} = $c->{collation} && chance(50) ? undef : pick('C', 'POSIX', 'ucs_basic'); 1 },
		'column storage' => sub { my $c = free_column(@_) or return 0; return 0 if !is_varlena(type_of($c)); $c->{storage} = $c->{storage} && chance(30) ? undef : pick('EXTERNAL', 'MAIN', 'PLAIN', 'EXTENDED'); 1 },
		'column compression' => sub { my ($o) = @_; my $c = free_column(@_) or return 0; return 0 if $o->{partition} || !is_varlena(type_of($c)); $c->{compression} = $c->{compression} && chance(30) ? undef : pick('pglz', 'lz4'); 1 },
		'column statistics' => sub { my $c = free_column(@_) or return 0; $c->{statistics} = $c->{statistics} && chance(30) ? undef : number(0, 900); 1 },
		'column options' => sub { my $c = free_column(@_) or return 0; $c->{options} = $c->{options} && chance(40) ? undef : 'n_distinct = ' . number(2, 90); 1 },
		'column comment' => sub { my $c = free_column(@_) or return 0; $c->{comment} = $c->{comment} && chance(40) ? undef : new_comment(); 1 },
		'column grants' => sub { my $c = free_column(@_) or return 0; $c->{acl} = $c->{acl} && chance(40) ? undef : [ { role => pick(@ROLES, 'PUBLIC'), privs => [ sort(some(number(1, 2), qw(SELECT INSERT UPDATE REFERENCES))) ], option => chance(20) } ]; 1 },
		'partition detached' => sub { my ($o) = @_; return 0 if !$o->{parent}; $o->{columns} = dclone([ columns($o) ]); delete @$_{qw(storage compression options comment acl statistics default generated default_function)} for @{ $o->{columns} }; $o->{was} = delete $o->{parent}; 1 },
		'partition bound' => sub { my ($o) = @_; return 0 if !$o->{parent}; my $s = free_slot(of($o->{parent}), $o->{id}); return 0 if !defined $s || $s == $o->{slot}; $o->{slot} = $s; 1 },
		'partition key' => sub { my ($o) = @_; return 0 if !$o->{partition}; $o->{partition}{by} = pick('RANGE', 'LIST', 'HASH'); 1 },
		'partitioned or not' => sub { my ($o) = @_; return 0 if $o->{inherits} || $o->{of_type} || ($o->{parent} && chance(50)); if ($o->{partition}) { delete $o->{partition} } else { $o->{partition} = new_partition($o); delete @$_{qw(identity compression default_sequence)} for @{ $o->{columns} }; } $o->{partition} || 1 },
		'inheritance' => sub { my ($o) = @_; return 0 if !$o->{inherits} || !@{ $o->{inherits} }; push @{ $o->{columns} }, @{ dclone([ map { columns($_) } of($o->{inherits}[0]) ]) }; my %s; $o->{columns} = [ grep { !$s{ $_->{name} }++ } @{ $o->{columns} } ]; delete $_->{generated} for @{ $o->{columns} }; $o->{inherits} = []; 1 },
	},
	sql => \&table_sql,
};

sub free_column { my ($o) = @_; return (some(1, grep { !$_->{fixed} } @{ $o->{columns} // [] }))[0] }

sub table_sql
{
	my ($o) = @_;
	my $n = q_name($o);
	my @own = @{ $o->{columns} };
	my (@sql, @list);
	my $with = (defined $o->{options} && !$o->{partition} ? " WITH ($o->{options})" : '');
	my $by = $o->{partition} ? " PARTITION BY $o->{partition}{by} (" . q_(column_of($o->{partition}{ref})->{name}) . ")" : '';

	if ($o->{parent} && !$o->{attached})
	{
		push @sql, "CREATE TABLE $n PARTITION OF " . q_name(of($o->{parent})) . " " . partition_bound($o) . "$by$with";
	}
	elsif ($o->{of_type})
	{
		push @sql, "CREATE " . ($o->{unlogged} ? 'UNLOGGED ' : '') . "TABLE $n OF " . q_name(of($o->{of_type})) . $with;
	}
	else
	{
		@own = reverse columns($o) if $o->{parent};
		@list = map { column_text($o, $_, $o->{parent} ? 1 : 0) } @own;
		splice(@list, $_ % (@list + 1), 0, "gone_$_ integer DEFAULT $_") for 1 .. $o->{dropped} // 0;
		push @sql, "CREATE " . ($o->{unlogged} ? 'UNLOGGED ' : '') . "TABLE $n (\n\t" . join(",\n\t", @list) . "\n)"
		  . (@{ $o->{inherits} // [] } ? " INHERITS (" . join(', ', map { q_name(of($_)) } @{ $o->{inherits} }) . ")" : '') . "$by$with";
		push @sql, "ALTER TABLE $n DROP COLUMN gone_$_" for 1 .. $o->{dropped} // 0;
		push @sql, "ALTER TABLE " . q_name(of($o->{parent})) . " ATTACH PARTITION $n " . partition_bound($o) if $o->{parent};
		@own = @{ $o->{columns} } if !$o->{parent};
	}
	@own = () if $o->{parent};
	for my $c (@own)
	{
		my $at = "ALTER TABLE $n ALTER COLUMN " . q_($c->{name});
		my $t = type_of($c);

		push @sql, "$at SET STORAGE $c->{storage}" if $c->{storage} && is_varlena($t);
		push @sql, "$at SET STATISTICS $c->{statistics}" if defined $c->{statistics};
		push @sql, "$at SET ($c->{options})" if $c->{options};
		push @sql, "COMMENT ON COLUMN $n." . q_($c->{name}) . " IS " . lit($c->{comment}) if defined $c->{comment};
		for my $a (@{ $c->{acl} // [] })
		{
			push @sql, "GRANT " . join(', ', map { "$_ (" . q_($c->{name}) . ")" } @{ $a->{privs} }) . " ON TABLE $n TO " . q_role($a->{role}) . ($a->{option} && $a->{role} ne 'PUBLIC' ? ' WITH GRANT OPTION' : '');
		}
	}
	push @sql, "ALTER TABLE $n ENABLE ROW LEVEL SECURITY" if $o->{rls};
	push @sql, "ALTER TABLE $n FORCE ROW LEVEL SECURITY" if $o->{force_rls};
	push @sql, "ALTER TABLE $n REPLICA IDENTITY $o->{replica}" if $o->{replica};
	return @sql;
}

# a table with a column that passes the test
sub table_with
{
	my ($kinds, $test) = @_;
	my @found;

	for my $t (objects(@$kinds))
	{
		my @c = grep { $test->($_, $t) } columns($t);
		push @found, [ $t, @c ] if @c;
	}
	return @found ? @{ pick(@found) } : ();
}

sub partition_root { my ($t) = @_; $t = of($t->{parent}) while $t->{parent} && of($t->{parent}); return $t }
sub in_partition_tree { my ($t) = @_; return $t->{parent} || $t->{partition} }

1;
