# Copyright (c) 2026, the pg_cmig developers

# Enum types, domains, composite types, and ranges.

package SchemaGenerator;

use strict;
use warnings;
use utf8;

our ($g, %KIND);

$KIND{enum} = {
	class => 'TYPE', in_schema => 1, owner => 1, acl => ['USAGE'],
	attrs => [ labels => sub { my %s; [ grep { !$s{$_}++ } map { chance(70) ? pick(qw(new open closed done failed waiting sent)) : "l'a\"b " . number(1, 9) } 1 .. number(2, 5) ] } ],
	changes => {
		'value added at the end' => sub { push @{ $_[0]{labels} }, 'added ' . ++$g->{names}; 1 },
		'value added before' => sub { my $l = $_[0]{labels}; splice(@$l, number(0, $#$l), 0, 'between ' . ++$g->{names}); 1 },
		'value removed' => sub { my $l = $_[0]{labels}; return 0 if @$l < 2; splice(@$l, number(0, $#$l), 1); 1 },
		'values reordered' => sub { my $l = $_[0]{labels}; return 0 if @$l < 2; push @$l, shift @$l; 1 },
		'value renamed' => sub { my $l = $_[0]{labels}; $l->[0] = 'renamed ' . ++$g->{names}; 1 },
	},
	sql => sub { "CREATE TYPE " . q_name($_[0]) . " AS ENUM (" . join(', ', map { lit($_) } @{ $_[0]{labels} }) . ")" },
};

sub base_without_composite { my ($o) = @_; return new_type($o->{id} => 1, map { $_->{id} => 1 } objects('composite', 'domain', 'range')) }

$KIND{domain} = {
	class => 'DOMAIN', in_schema => 1, owner => 1, acl => ['USAGE'], grant_class => 'DOMAIN',
	attrs => [
		of => \&base_without_composite,
		default => sub { chance(30) ? dice() + 1 : undef },
		notnull => sub { chance(20) },
		checks => sub { [ map { { name => new_name('check'), n => dice(), not_valid => chance(10) } } 1 .. number(0, 2) ] },
		collation => sub { chance(10) ? 'C' : undef },
	],
	sql => sub {
		my ($o) = @_;
		my $d = $o->{default} ? literal($o->{of}, $o->{default}) : undef;
		my $text = class_of($o->{of}) eq 'text';
		my @later;
		my $sql = "CREATE DOMAIN " . q_name($o) . " AS " . type_text($o->{of}) . ($o->{collation} && $text ? ' COLLATE "C"' : '')
		  . (defined $d ? " DEFAULT $d" : '') . ($o->{notnull} ? ' NOT NULL' : '');

		for my $c (@{ $o->{checks} })
		{
			my $e = $text ? nth($c->{n}, "VALUE <> ''", "VALUE IN ('a', 'b')", "length(VALUE) > 2", "VALUE ~ '^a%'") : class_of($o->{of}) eq 'int' ? nth($c->{n}, 'VALUE > 0', 'VALUE IN (1, 2)') : 'VALUE IS NOT NULL';
			if ($c->{not_valid}) { push @later, "ALTER DOMAIN " . q_name($o) . " ADD CONSTRAINT " . q_($c->{name}) . " CHECK ($e) NOT VALID" }
			else { $sql .= " CONSTRAINT " . q_($c->{name}) . " CHECK ($e)" }
			push @later, "COMMENT ON CONSTRAINT " . q_($c->{name}) . " ON DOMAIN " . q_name($o) . " IS 'on a domain''s check'" if $c->{n} % 5 == 0;
		}
		return ($sql, @later);
	},
};

$KIND{composite} = {
	class => 'TYPE', in_schema => 1, owner => 1, acl => ['USAGE'],
	attrs => [ attributes => sub { my ($o) = @_; [ map { { id => ++$g->{ids}, name => new_name('attr'), type => base_without_composite($o), comment => chance(10) ? new_comment() : undef } } 1 .. number(1, 4) ] } ],
	changes => {
		'attribute added' => sub { my ($o) = @_; push @{ $o->{attributes} }, { id => ++$g->{ids}, name => new_name('attr'), type => base_without_composite($o) }; 1 },
		'attribute removed' => sub { my $l = $_[0]{attributes}; return 0 if @$l < 2; splice(@$l, number(0, $#$l), 1); 1 },
		'attribute type' => sub { my ($o) = @_; pick(@{ $o->{attributes} })->{type} = base_without_composite($o); 1 },
		'attribute renamed' => sub { my ($o) = @_; pick(@{ $o->{attributes} })->{name} = new_name('attr'); 1 },
	},
	sql => sub {
		my ($o) = @_;
		my $n = q_name($o);

		return ("CREATE TYPE $n AS (" . join(', ', map { q_($_->{name}) . ' ' . type_text($_->{type}) } @{ $o->{attributes} }) . ")",
			map { "COMMENT ON COLUMN $n." . q_($_->{name}) . " IS " . lit($_->{comment}) } grep { defined $_->{comment} } @{ $o->{attributes} });
	},
};

# the name that the server prefers for the type's array type.  If a range type and its
# multirange type have the same one, the server fails to create them.
sub array_name
{
	my ($name) = @_;

	utf8::encode($name);
	return substr("_$name", 0, 63);
}

$KIND{range} = {
	class => 'TYPE', in_schema => 1, owner => 1, acl => ['USAGE'],
	attrs => [
		subtype => sub { pick('double precision', 'text', 'time', 'integer', 'inet') },
		diff => sub { chance(40) },
		multi => sub { chance(50) ? new_name('multi') : undef },
		collation => sub { chance(30) },
	],
	valid => sub { !defined $_[0]{multi} || array_name($_[0]{name}) ne array_name($_[0]{multi}) },
	sql => sub {
		my ($o) = @_;
		my @p = ("SUBTYPE = $o->{subtype}");

		push @p, 'SUBTYPE_DIFF = float8mi' if $o->{diff} && $o->{subtype} eq 'double precision';
		push @p, 'COLLATION = "C"' if $o->{collation} && $o->{subtype} eq 'text';
		push @p, 'MULTIRANGE_TYPE_NAME = ' . q_(of($o->{schema})->{name}) . '.' . q_($o->{multi}) if defined $o->{multi};
		return "CREATE TYPE " . q_name($o) . " AS RANGE (" . join(', ', @p) . ")";
	},
};

1;
