# Copyright (c) 2026, the pg_cmig developers

# Generates random schemas.  pair() returns the SQL of two schemas, a and b, where b is
# a after some changes, and the names of these changes.  The same seed generates the
# same pair.
#
# A schema is represented by a model, which is a list of objects.  Each object has a
# kind, and the attributes that %KIND lists for the kind.  To change an attribute, its
# value is generated again.  A reference to another object or to a column is a Ref.  An
# expression is stored as a column and a number, and is converted to text when the
# column's type is known, so that it remains valid if the type changes.  If an object
# refers to something that no longer exists, prune() removes it.
#
# The model, the types, and the kinds of objects are in SchemaGenerator/; all of these
# files are parts of this package.

package SchemaGenerator;

use strict;
use warnings;
use utf8;

use Storable qw(dclone);

# Values are compared as strings.
$Storable::canonical = 1;

use SchemaGenerator::Model;
use SchemaGenerator::Types;
use SchemaGenerator::KindsOfTypes;
use SchemaGenerator::KindsOfTables;
use SchemaGenerator::KindsOfConstraints;
use SchemaGenerator::KindsOfFunctions;
use SchemaGenerator::KindsOfViews;
use SchemaGenerator::KindsOnRelations;
use SchemaGenerator::KindsOfDatabase;

our ($g, %KIND);

# Removes objects that have lost what they refer to, or that are not valid.
sub prune
{
	my $again = 1;

	while ($again)
	{
		$again = 0;
		for my $o (map { $g->{objects}{$_} } sort { $a <=> $b } keys %{ $g->{objects} })
		{
			my $k = $KIND{ $o->{kind} };

			for my $c (@{ $o->{columns} // [] })
			{
				delete $c->{default_function} if $c->{default_function} && !of($c->{default_function});
				delete $c->{default_sequence} if $c->{default_sequence} && !of($c->{default_sequence});
				delete $c->{generated} if $c->{generated} && (!column_of($c->{generated}{ref}) || column_of($c->{generated}{ref})->{generated});
				$c->{type} = { base => 'text' } if $c->{type} && $c->{type}{type} && !of($c->{type}{type});
			}
			$o->{columns} = [ grep { !($_->{item} && $_->{item}{ref} && !column_of($_->{item}{ref})) && !($_->{item} && $_->{item}{function} && !of($_->{item}{function})) } @{ $o->{columns} } ] if $o->{kind} =~ /view$/;
			$o->{tables} = [ grep { of($_->{table}) } @{ $o->{tables} } ] if $o->{kind} eq 'publication';
			$o->{mappings} = [ grep { !$_->{with} || of($_->{with}) } @{ $o->{mappings} } ] if $o->{kind} eq 'ts_config';
			delete $o->{schema_} if $o->{schema_} && !of($o->{schema_});
			delete $o->{other} if $o->{other} && !of($o->{other});
			delete $o->{include} if ref($o->{include}) eq 'Ref' && !column_of($o->{include});
			delete $o->{negator} if $o->{negator} && !of($o->{negator});
			delete $o->{was};

			my $good = !grep { !of($_) || defined $_->{c} && !column_of($_) } refs($o);
			$good = 0 if $good && $o->{kind} =~ /view$/ && !@{ $o->{columns} };
			$good = 0 if $good && $o->{kind} =~ /view$/ && !grep { 1 } columns(of($o->{from}));
			$good = 0 if $good && $o->{kind} =~ /^(?:view|matview|function)$/ && in_cycle($o);
			$good = 0 if $good && $k->{valid} && !$k->{valid}->($o);
			if (!$good)
			{
				delete $g->{objects}{ $o->{id} };
				$again = 1;
			}
		}
	}
}

sub in_cycle
{
	my ($o) = @_;
	my %seen;
	my @todo = map { $_->{o} } refs($o);

	while (defined(my $id = shift @todo))
	{
		return 1 if $id == $o->{id};
		next if $seen{$id}++ || !$g->{objects}{$id};
		push @todo, map { $_->{o} } grep { $_->{o} != $id } refs($g->{objects}{$id});
	}
	return 0;
}

# text(WANTED): returns the SQL of the model, or of the objects for which WANTED is true, in an order in which it
# can be loaded
sub text
{
	my ($wanted) = @_;
	my (%done, @out);
	my $visit;

	$visit = sub {
		my ($o) = @_;

		return if $done{ $o->{id} }++;
		$visit->($_) for sort { $a->{id} <=> $b->{id} } grep { $_ && $_->{id} != $o->{id} } map { of($_) } refs($o);
		# a partition can be attached only if the parent has no check constraint
		$visit->($_) for grep { $o->{kind} eq 'check' && $_->{attached} && is_ancestor(of($o->{table}), $_) } objects('table');
		push @out, map { "$_;\n" } $KIND{ $o->{kind} }{sql}->($o), common_sql($o) if !$wanted || $wanted->($o);
	};
	my @all = shuffled(map { $g->{objects}{$_} } sort { $a <=> $b } keys %{ $g->{objects} });

	$visit->($_) for grep { !$KIND{ $_->{kind} }{late} } @all;
	$visit->($_) for grep { $KIND{ $_->{kind} }{late} } @all;
	return join('', @out);
}

sub changeable
{
	my ($o) = @_;
	my $k = $KIND{ $o->{kind} };
	my @attrs = grep { $_ ne 'form' || $o->{kind} ne 'aggregate' } map { $k->{attrs}[ 2 * $_ ] } 0 .. @{ $k->{attrs} // [] } / 2 - 1;

	@attrs = grep { /^(?:volatility|strict|definer|parallel|cost|leakproof|set)$/ } @attrs if $o->{form_is_fixed};
	my @labels = map { [ $_, undef ] } @attrs;
	push @labels, map { [ $_, $k->{changes}{$_} ] } (sort keys %{ $k->{changes} // {} }) x 2;
	push @labels, [ 'comment', sub { $_[0]{comment} = defined $_[0]{comment} && chance(50) ? undef : new_comment(); 1 } ] if $k->{class};
	push @labels, [ 'owner', sub { $_[0]{owner} = new_owner(); 1 } ] if $k->{owner};
	push @labels, [ 'grants', sub { $_[0]{acl} = $_[0]{acl} && chance(40) ? undef : new_acl($_[0]); 1 } ] if $k->{acl};
	return @labels;
}

sub same_place
{
	my ($x, $y) = @_;

	return !grep { ($x->{$_} ? $x->{$_}{o} : 0) != ($y->{$_} ? $y->{$_}{o} : 0) } qw(schema table);
}

# change(): makes one random change and returns its name, or undef if nothing was
# changed
sub change
{
	my @all = map { $g->{objects}{$_} } sort { $a <=> $b } keys %{ $g->{objects} };
	my $o = pick(@all) or return undef;
	my $k = $KIND{ $o->{kind} };
	my $dice = rand(100);

	if ($dice < 22)
	{
		my $kind = pick(@{ $g->{kinds} });
		return add($kind) ? "$kind: added" : undef;
	}
	if ($dice < 37)
	{
		return undef if $o->{kind} eq 'schema' && objects('schema') < 3 || $o->{kind} =~ /^(?:schema|table)$/ && chance(50);
		delete $g->{objects}{ $o->{id} };
		return "$o->{kind}: dropped";
	}
	if ($dice < 42 && !$k->{fixed_name} && !$o->{form_is_fixed})
	{
		$o->{name} = new_name($k->{prefix} // $o->{kind});
		return "$o->{kind}: renamed";
	}
	if ($dice < 47 && !$k->{fixed_name} && !$o->{form_is_fixed})
	{
		my ($other) = some(1, grep { $_->{id} != $o->{id} && !$_->{form_is_fixed} && same_place($_, $o) } objects($o->{kind})) or return undef;

		return undef if $o->{name} eq $other->{name};
		($o->{name}, $other->{name}) = ($other->{name}, $o->{name});
		return "$o->{kind}: names swapped";
	}
	if ($dice < 50 && $k->{in_schema} && $o->{kind} ne 'function')
	{
		my $s = ref_to(pick(objects('schema')));

		return undef if $s->{o} == $o->{schema}{o};
		$o->{schema} = $s;
		return "$o->{kind}: schema";
	}
	my @labels = changeable($o) or return undef;
	my ($label, $how) = @{ pick(@labels) };

	if ($how)
	{
		return $how->($o) ? "$o->{kind}: $label" : undef;
	}
	my ($make) = map { $k->{attrs}[ 2 * $_ + 1 ] } grep { $k->{attrs}[ 2 * $_ ] eq $label } 0 .. @{ $k->{attrs} } / 2 - 1;
	for (1 .. 10)
	{
		my $new = $make->($o);
		my ($x, $y) = map { defined $_ ? ref $_ ? Storable::freeze([$_]) : $_ : '' } $new, $o->{$label};

		next if $x eq $y;
		$o->{$label} = $new;
		return "$o->{kind}: $label";
	}
	return undef;
}

# chain(SEED, NUMBER, OPTION => VALUE...): returns the SQL of NUMBER schemas, each of which
# is the one before it after some changes, and the names of all changes.  The options are
# "size", the number of objects; "changes", the number of changes; and "kinds", a list.
sub chain
{
	my ($seed, $number, %options) = @_;
	my @all = sort keys %KIND;
	my (@texts, @made);

	srand($seed);
	$g = { objects => {}, ids => 0, names => 0, overloads => 0 };
	my @kinds = $options{kinds} ? @{ $options{kinds} } : (some(number(3, 12), @all), qw(table table key index));
	$g->{kinds} = [@kinds];
	add('schema', name => 'app') for 1;
	add('schema') for 1 .. number(0, 2);
	add('table') for 1 .. number(0, 3);
	for (1 .. $options{size} // number(5, 40))
	{
		add(pick(@kinds));
	}
	prune();
	push @texts, text();
	while (@texts < $number)
	{
		$g = dclone($g);
		my $wanted = @made + ($options{changes} // number(1, 12));
		for (1 .. ($wanted - @made) * 3)
		{
			last if @made >= $wanted;
			my $label = change();
			next if !defined $label;
			prune();
			push @made, $label;
		}
		push @texts, text();
	}
	utf8::encode($_) for @texts;
	return (@texts, @made);
}

# pair(SEED, OPTION => VALUE...): returns (a, b, changes): a chain of two
sub pair
{
	my ($seed, %options) = @_;

	return chain($seed, 2, %options);
}

# place_of(OBJECT): returns the id of its schema, or 0 if it belongs to the whole database
sub place_of
{
	my ($o) = @_;
	my $of = $o->{schema} // $o->{table} // $o->{sequence};

	return $o->{kind} eq 'schema' ? $o->{id} : $of ? $of->{o} == $o->{id} ? 0 : place_of(of($of)) : 0;
}

# parts(SEED, OPTION => VALUE...): as pair(), but only some of the schemas change.  Returns the SQL of a, the SQL of
# these schemas in a and in b, their names, the names of the others, and the changes.  What b lacks may be needed there.
sub parts
{
	my ($seed, %options) = @_;
	my (%changes, @made);

	srand($seed);
	$g = { objects => {}, ids => 0, names => 0, overloads => 0, kinds => $options{kinds} };
	add('schema') for 1 .. 4;
	add('table') for 1 .. 4;
	add(pick(@{ $options{kinds} })) for 1 .. $options{size};
	prune();
	my @schemas = shuffled(objects('schema'));
	my @some = splice(@schemas, 0, number(1, $#schemas));
	$changes{ $_->{id} } = 1 for @some;
	my $wanted = sub { $changes{ place_of($_[0]) } };
	# which partitions such an index lacks, and which get its statistics target, depends on the order of the
	# statements, which differs between the texts
	delete @$_{qw(only statistics)} foreach objects('index');
	my @names = ([ map { $_->{name} } @some ], [ map { $_->{name} } @schemas ]);
	# a partition of another part's table can only be attached to it by a statement about that table
	my $attach = sub {
		$_->{attached} = 1 foreach grep { $_->{parent} && place_of($_) != place_of(of($_->{parent})) } objects('table');
	};
	$attach->();
	my ($all, $before) = (text(), text($wanted));

	# nothing else is created or changed, or moves from one part to the other
	my $others = sub {
		return Storable::freeze({ map { $_->{id} => $_ } grep { !$wanted->($_) } values %{ $_[0]{objects} } });
	};
	for (1 .. $options{changes} * 20)
	{
		last if @made >= $options{changes};
		my $kept = dclone($g);
		my $label = change();
		if (defined $label && $others->($g) eq $others->($kept))
		{
			push @made, $label;
			prune();
		}
		else
		{
			$g = $kept;
		}
	}
	$attach->();
	my @texts = ($all, $before, text($wanted));
	utf8::encode($_) for @texts;
	return (@texts, @names, @made);
}

1;
