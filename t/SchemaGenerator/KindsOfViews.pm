# Copyright (c) 2026, the pg_cmig developers

# Views and materialized views.

package SchemaGenerator;

use strict;
use warnings;
use utf8;

our ($g, %KIND, @TABLE_ACL);

sub item_type
{
	my ($item) = @_;

	return { base => 'text' } if $item->{function};
	return { base => 'text' } if !column_of($item->{ref});
	return $item->{plain} ? type_of(column_of($item->{ref})) : (expression($item->{ref}, $item->{n}))[1];
}

sub item_text
{
	my ($item, $prefix) = @_;

	if ($item->{function})
	{
		my $f = of($item->{function});
		return $f ? call_text($f) . '::text' : 'NULL::text';
	}
	return $item->{plain} ? $prefix . q_(column_of($item->{ref})->{name}) : (expression($item->{ref}, $item->{n}, $prefix))[0];
}

sub view_init
{
	my ($o) = @_;
	my ($t, @c) = table_with([ qw(table table view matview foreign_table) ], sub { 1 });

	return 0 if !$t || $t->{id} == $o->{id};
	$o->{from} = ref_to($t);
	$o->{columns} = [ map { { id => ++$g->{ids}, name => chance(50) ? $_->{name} : new_name('c'), item => { ref => ref_to($t, $_->{id}), n => dice(), plain => chance(70) } } } some(number(1, 4), @c) ];
	if (chance(15))
	{
		my ($f) = some(1, grep { $_->{form} eq 'scalar' && !$_->{form_is_fixed} } objects('function'));
		push @{ $o->{columns} }, { id => ++$g->{ids}, name => new_name('c'), item => { function => ref_to($f), soft => 1 } } if $f;
	}
	my %s;
	$o->{columns} = [ grep { !$s{ $_->{name} }++ } @{ $o->{columns} } ];
	return 1;
}

sub view_query
{
	my ($o) = @_;
	my $t = q_name(of($o->{from}));
	my $list = join(', ', map { item_text($_->{item}, 'r.') . ' AS ' . q_($_->{name}) } @{ $o->{columns} });
	my ($c) = grep { $_->{item}{ref} } @{ $o->{columns} };
	my $where = $c && $o->{where} ? ' WHERE ' . condition($c->{item}{ref}, $o->{where}, 'r.') : '';
	my $all = join(', ', map { q_($_->{name}) } @{ $o->{columns} });
	my $form = $o->{form};

	return "SELECT DISTINCT ON (r.ctid) $list FROM $t r$where" if $form eq 'distinct' && of($o->{from})->{kind} eq 'table' && 0;
	return "SELECT $list FROM $t r LEFT JOIN (SELECT count(*) AS n FROM $t) x ON x.n > 1$where" if $form eq 'join';
	return "WITH w AS (SELECT $list FROM $t r$where) SELECT $all FROM w" if $form eq 'cte';
	return "SELECT $list FROM $t r$where UNION ALL SELECT $list FROM $t r LIMIT 10" if $form eq 'union';
	return "SELECT $list FROM $t r$where ORDER BY 1 LIMIT 5" if $form eq 'limit' && has_btree(type_of($o->{columns}[0]));
	return "WITH RECURSIVE w AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM w WHERE n < 5) SELECT $list FROM w, $t r$where" if $form eq 'recursive';
	return "SELECT $list FROM $t r, LATERAL (SELECT 1 AS one) l WHERE EXISTS (SELECT FROM pg_class k WHERE k.relname <> 'q')" if $form eq 'lateral';
	return "SELECT $list FROM $t r$where";
}

my %view_changes = (
	'column appended' => sub { my ($o) = @_; my $t = of($o->{from}); my ($c) = some(1, columns($t)) or return 0; push @{ $o->{columns} }, { id => ++$g->{ids}, name => new_name('c'), item => { ref => ref_to($t, $c->{id}), n => dice(), plain => chance(60) } }; 1 },
	'column removed' => sub { my ($o) = @_; return 0 if @{ $o->{columns} } < 2; splice(@{ $o->{columns} }, number(0, $#{ $o->{columns} }), 1); 1 },
	'column renamed' => sub { my ($o) = @_; pick(@{ $o->{columns} })->{name} = new_name('c'); 1 },
	'column expression' => sub { my ($o) = @_; my $c = pick(@{ $o->{columns} }); return 0 if $c->{item}{function}; $c->{item}{plain} = !$c->{item}{plain}; 1 },
);

$KIND{view} = {
	class => 'VIEW', in_schema => 1, owner => 1, acl => \@TABLE_ACL, grant_class => 'TABLE',
	init => \&view_init,
	attrs => [
		form => sub { pick(qw(plain plain plain join cte union limit recursive lateral)) }, where => sub { chance(50) ? dice() + 1 : undef },
		options => sub { chance(20) ? pick('security_barrier = true', 'security_invoker = true', 'security_barrier = true, security_invoker = false') : undef },
		check_option => sub { chance(8) ? pick('LOCAL', 'CASCADED') : undef }, column_default => sub { chance(8) }, column_comment => sub { chance(8) ? new_comment() : undef },
	],
	changes => \%view_changes,
	sql => sub {
		my ($o) = @_;
		my $n = q_name($o);
		my $updatable = $o->{form} eq 'plain' && of($o->{from})->{kind} eq 'table' && grep { $_->{item}{plain} } @{ $o->{columns} };
		my @sql = "CREATE VIEW $n" . ($o->{options} ? " WITH ($o->{options})" : '') . " AS " . view_query($o) . ($o->{check_option} && $updatable ? " WITH $o->{check_option} CHECK OPTION" : '');
		my $first = $o->{columns}[0];
		my $default = literal(type_of($first), 1);

		push @sql, "ALTER VIEW $n ALTER COLUMN " . q_($first->{name}) . " SET DEFAULT $default" if $o->{column_default} && defined $default;
		push @sql, "COMMENT ON COLUMN $n." . q_($first->{name}) . " IS " . lit($o->{column_comment}) if defined $o->{column_comment};
		return @sql;
	},
};

$KIND{matview} = {
	class => 'MATERIALIZED VIEW', in_schema => 1, owner => 1, acl => \@TABLE_ACL, grant_class => 'TABLE',
	init => \&view_init,
	attrs => [ form => sub { pick(qw(plain plain join cte union)) }, where => sub { chance(50) ? dice() + 1 : undef }, options => sub { chance(15) ? 'fillfactor = ' . number(40, 90) : undef }, nodata => sub { chance(20) } ],
	changes => \%view_changes,
	sql => sub { my ($o) = @_; "CREATE MATERIALIZED VIEW " . q_name($o) . ($o->{options} ? " WITH ($o->{options})" : '') . " AS " . view_query($o) . ($o->{nodata} || uses_foreign($o) ? ' WITH NO DATA' : '') },
};

sub uses_foreign
{
	my ($o) = @_;

	return 1 if $o->{kind} =~ /view$/ && $o->{from} && (of($o->{from})->{owner} || of($o->{from})->{acl} || $o->{owner});
	return 1 if $o->{kind} eq 'foreign_table' || $o->{kind} eq 'matview' && $o->{nodata};
	return scalar grep { my $x = of($_); $x && uses_foreign($x) } grep { defined } $o->{from}, $o->{kind} eq 'table' ? map { ref_to($_) } grep { $_->{parent_foreign} && $_->{parent_foreign}{o} == $o->{id} } objects('foreign_table') : ();
}

1;
