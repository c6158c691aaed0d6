# Copyright (c) 2026, the pg_cmig developers

# The types of columns, and constants, conditions, and expressions for them.

package SchemaGenerator;

use strict;
use warnings;
use utf8;

our ($g, %KIND);

our %CLASS = (
	int => [qw(integer bigint smallint)],
	num => [ 'numeric', 'numeric(10,2)', 'double precision', 'real' ],
	text => [ 'text', 'text', 'varchar', 'varchar(50)', 'character(20)', 'varchar(20)' ],
	bool => ['boolean'],
	date => ['date'],
	ts => [ 'timestamp', 'timestamptz', 'timestamptz(3)', 'timestamp(0)' ],
	uuid => ['uuid'],
	json => ['jsonb'],
	textarr => [ 'text[]', 'varchar(5)[]' ],
	intarr => [ 'integer[]', 'integer[][]' ],
	range => [ 'int4range', 'daterange', 'tstzrange' ],
	interval => [ 'interval', 'interval day to second', 'interval(3)' ],
	tsv => ['tsvector'],
	other => [ 'json', 'bytea', 'inet', 'time(2)', 'xml', 'bit(3)', 'bit varying(4)', 'oid', '"char"', 'regclass', 'money', 'point', 'int4multirange' ],
);
our %CLASS_OF = map { my $c = $_; map { $_ => $c } @{ $CLASS{$c} } } keys %CLASS;

sub new_type
{
	my (%not) = @_;

	if (chance(20))
	{
		my @user = grep { !$not{ $_->{id} } } objects(qw(enum domain composite range));

		return { type => ref_to(pick(@user)), array => chance(20) } if @user && !$not{base};
	}
	my $class = pick(qw(int int int text text text text num bool date ts uuid json textarr intarr range interval tsv other));
	return { base => pick(@{ $CLASS{$class} }) };
}

sub type_text
{
	my ($t) = @_;

	return $t->{base} if defined $t->{base};
	return q_name(of($t->{type})) . ($t->{array} ? '[]' : '');
}

sub class_of
{
	my ($t) = @_;

	return $CLASS_OF{ $t->{base} } // 'other' if defined $t->{base};
	return 'array' if $t->{array};
	my $o = of($t->{type});
	return class_of($o->{of}) if $o->{kind} eq 'domain';
	return $o->{kind};
}

sub enum_labels
{
	my ($t) = @_;
	my $o = of($t->{type});

	return $o->{kind} eq 'domain' ? enum_labels($o->{of}) : @{ $o->{labels} };
}

sub nth { my ($n, @list) = @_; return $list[ $n % @list ] }

# a constant of the type, or undef if there is none
sub literal
{
	my ($t, $n) = @_;
	my $class = class_of($t);

	return nth($n, '0', '42', '(-1)', '1 + 1', '7') if $class eq 'int';
	return nth($n, '0', '1.50', '(-1)', '10.0 / 3') if $class eq 'num';
	return nth($n, "''", "'x'", "'it''s'", "'a%b'", "'x'::text", "CURRENT_USER", "E'a\\nb'", "lower('ABC')", "'q' || 'r'") if $class eq 'text';
	return nth($n, 'true', 'false', '(NOT true)') if $class eq 'bool';
	return nth($n, 'CURRENT_DATE', "'2020-02-29'", "'infinity'", 'now()') if $class eq 'date';
	return nth($n, 'now()', 'CURRENT_TIMESTAMP', 'LOCALTIMESTAMP', "'2020-01-01 00:00:00'", "now() + interval '1 day'", 'clock_timestamp()') if $class eq 'ts';
	return nth($n, 'gen_random_uuid()', "'00000000-0000-0000-0000-000000000000'") if $class eq 'uuid';
	return nth($n, "'{}'", "'[]'::jsonb", "jsonb_build_object('a', 1)") if $class eq 'json';
	return nth($n, "'{}'", "ARRAY['a', 'b']", "'{}'::text[]") if $class eq 'textarr';
	return nth($n, "'{}'", 'ARRAY[1, 2]') if $class eq 'intarr';
	return "'empty'" if $class eq 'range';
	return nth($n, "'1 day'", "interval '01:02:03'") if $class eq 'interval';
	return lit(nth($n, enum_labels($t))) . '::' . type_text({ type => $t->{type} }) if $class eq 'enum';
	return undef;
}

# a condition on a column
sub condition
{
	my ($ref, $n, $prefix) = @_;
	my $column = column_of($ref);
	my $c = ($prefix // '') . q_($column->{name});
	my $t = type_of($column);
	my $class = class_of($t);

	return nth($n, "$c > 0", "$c IN (1, 2, 3)", "$c BETWEEN 1 AND 100", "$c <> ALL (ARRAY[4, 5])", "($c % 2) = 0", "$c IS NOT NULL AND $c < 1000", "NOT ($c = 3 OR $c = 4)", "${c}::text <> '%'", "CASE WHEN $c > 3 THEN true ELSE $c IS NULL END") if $class eq 'int';
	return nth($n, "$c > 0", "$c >= 0.5", "$c IN (1, 2.5)") if $class eq 'num';
	return nth($n, "$c <> ''", "$c IN ('a', 'b', 'it''s')", "length($c) > 3", "$c ~ '^[a-z%]+\$'", "$c LIKE 'a\\_%'", "lower($c) = $c", "$c = ANY (ARRAY['x', 'y'])", "coalesce($c, '') <> 'q'", "$c NOT IN ('u')", "$c = ANY ('{a,b}'::text[])", "char_length(trim($c)) > 0", "$c IS DISTINCT FROM 'z'") if $class eq 'text';
	return nth($n, $c, "NOT $c", "$c IS TRUE") if $class eq 'bool';
	return nth($n, "$c > '2020-01-01'", "$c IS NOT NULL") if $class eq 'date' || $class eq 'ts';
	return nth($n, "jsonb_typeof($c) = 'object'", "$c ? 'k'", "($c ->> 'a') IS NOT NULL") if $class eq 'json';
	return nth($n, "cardinality($c) < 5", "$c <> '{}'") if $class =~ /arr$/;
	if ($class eq 'enum')
	{
		my @l = map { lit($_) } enum_labels($t);
		return nth($n, "$c = " . nth($n, @l), "$c IN (" . join(', ', @l > 2 ? @l[ 0, 1 ] : @l) . ")", "$c <> " . nth($n, @l), "$c IS NOT NULL");
	}
	return "$c IS NOT NULL";
}

# an immutable expression on a column: (text, type)
sub expression
{
	my ($ref, $n, $prefix) = @_;
	my $column = column_of($ref);
	my $c = ($prefix // '') . q_($column->{name});
	my $class = class_of(type_of($column));
	my ($int, $text, $bool) = map { { base => $_ } } qw(bigint text boolean);

	return @{ nth($n, [ "($c + 1)::bigint", $int ], [ "(abs($c) * 2)::bigint", $int ], [ "${c}::text", $text ], [ "$c > 5", $bool ], [ "CASE WHEN $c = 1 THEN 'one' ELSE 'more' END", $text ]) } if $class eq 'int';
	return @{ nth($n, [ "lower($c)", $text ], [ "upper($c) || 'x'", $text ], [ "length($c)::bigint", $int ], [ "coalesce($c, 'none')::text", $text ], [ "($c IN ('a', 'b'))", $bool ], [ "md5($c)", $text ]) } if $class eq 'text';
	return @{ nth($n, [ "($c ->> 'a')", $text ], [ "($c IS NULL)", $bool ]) } if $class eq 'json';
	return @{ nth($n, [ "(NOT $c)", $bool ], [ "CASE WHEN $c THEN 1::bigint ELSE 2::bigint END", $int ]) } if $class eq 'bool';
	return ("($c IS NULL)", $bool);
}

sub type_of
{
	my ($column) = @_;

	return { base => 'text' } if !$column;
	if ($column->{generated})
	{
		return { base => 'text' } if !column_of($column->{generated}{ref});
		return (expression($column->{generated}{ref}, $column->{generated}{n}))[1];
	}
	if ($column->{item})
	{
		return item_type($column->{item});
	}
	return $column->{type};
}

sub is_varlena { my ($t) = @_; return class_of($t) =~ /^(?:text|json|textarr|intarr|tsv|array|composite)$/ }
sub has_btree { my ($t) = @_; my $c = class_of($t); return $c !~ /^(?:other|composite|array|json|tsv)$/ }

1;
