# Copyright (c) 2026, the pg_cmig developers

# Tests what cmig.pause, cmig.resume_run, and cmig.throttle do to backfills that run in
# other sessions, also after a crash, and what cmig.status and cmig.metrics show
# of them.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use HTTP::Tiny;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('run_control', 'autovacuum = off');
$node->start;
$node->safe_psql('postgres', <<'END_SQL');
CREATE EXTENSION pg_cmig;
CREATE TABLE item (id int PRIMARY KEY, n int DEFAULT 0, m int);
INSERT INTO item SELECT generate_series(1, 5000);
CREATE TABLE other (id int PRIMARY KEY, n int);
INSERT INTO other SELECT generate_series(1, 5000);
END_SQL

sub sql { return $node->safe_psql('postgres', $_[0]) }
sub paused
{
	my ($name) = @_;

	$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = '$name' AND query ~ ', paused\$' AND wait_event = 'PgSleep' AND backend_xmin IS NULL AND backend_xid IS NULL")
	  or die "$name is not paused: " . sql('SELECT query, wait_event FROM pg_stat_activity');
	return;
}

# paused before its first batch, and again after some
sql("SELECT * FROM cmig.pause('item')");
my $run = start_psql($node, 'postgres', "CALL cmig.backfill('item', 'n = n + 1', batch_size => 100, pause => '20 ms')");
paused('run');
is(sql('SELECT target, state, rows, rows_total, percent, paused_by FROM cmig.backfill_progress'), 'public.item|paused|0|5000|0.0|public.item', 'the view shows it');
is(sql("SELECT severity, value FROM cmig.preflight() WHERE item = 'backfill'"), 'notice|the backfill of item is paused, at 0.0 percent', 'cmig.preflight, too');
my $pid = sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'run'");
my $status = "SELECT item, value, hint FROM cmig.status() WHERE item ~ 'backfill|running|statement|waits|paused|limited|last error'";
like(sql($status), qr/^backfill\|public.item, paused: 0 of 5000 rows \(0.0 %\)(?:, 0 rows per second)?, by process $pid\|
statement\|backfill of public.item, pass 1, 0 rows, paused\|SELECT \* FROM pg_stat_activity WHERE pid = $pid
running since\|[^|]+, for \d\d:\d\d:\d\d\|
paused\|public.item, by public.item\|SELECT \* FROM cmig.resume_run\('public.item'\)$/, 'cmig.status shows it');
sql("SELECT * FROM cmig.resume_run('item')");
$node->poll_query_until('postgres', 'SELECT rows > 300 FROM cmig.backfill_progress') or die 'it does not continue';
is(sql("SELECT target, revision, state, paused_by FROM cmig.pause('all')"), 'public.item||paused|all', 'pause returns what it pauses');
paused('run');
my $rows = sql('SELECT rows FROM cmig.backfill_progress');
is(sql("SELECT pg_sleep(0.7); SELECT rows - $rows FROM cmig.backfill_progress") =~ s/^\n//r, '0', 'it does nothing while it is paused');
is(sql('SELECT min(n), max(n) FROM item'), '0|1', 'its rows are committed');
is(sql("BEGIN; SET LOCAL lock_timeout = '1s'; LOCK TABLE item; SELECT 1; COMMIT"), '1', 'it holds no lock on the table');
is(finish_psql(start_psql($node, 'postgres', "CALL cmig.backfill('item', 'm = 1', 'm IS NULL')", 'second')), 3, 'but its own lock, so that no other one can start');
# a pause for the table does not end the one for all
is(sql("SELECT target, state, paused_by FROM cmig.pause('item')"), 'public.item|paused|all, public.item', 'two reasons');
is(sql("SELECT state, paused_by FROM cmig.resume_run('item')"), 'paused|all', 'one of them remains');
# the connection that paused it is gone, and so is the server
$node->stop('immediate');
finish_psql($run);
$node->start;
is(sql('SELECT state, paused_by FROM cmig.backfill_progress'), 'interrupted|all', 'after a crash');
$run = start_psql($node, 'postgres', "CALL cmig.backfill('item', 'n = n + 1', batch_size => 100)");
paused('run');
is(sql("SELECT rows - $rows FROM cmig.backfill_progress"), '0', 'it is called again, and still paused at its place');
sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'run'");
isnt(finish_psql($run), 0, 'it can be canceled');
like($run->{err}, qr/NOTICE:  00000: backfill of public.item is paused after $rows rows\nHINT:  SELECT \* FROM cmig.resume_run\('all'\)\n.*57014: canceling statement due to user request/s, 'with a clear error');
is(sql('SELECT state, last_error FROM cmig.backfill_progress'), 'interrupted|57014: canceling statement due to user request', 'which the view shows');
like(sql($status), qr/^backfill\|public.item, interrupted: $rows of 5000 rows \([0-9.]+ %\).* left\|CALL cmig.backfill\('public.item', 'n = n \+ 1'\)
paused\|public.item, by all\|.*
last error\|public.item: 57014: canceling statement due to user request\|$/, 'status shows that, and how to continue');
sql("SELECT * FROM cmig.resume_run('all')");
sql("CALL cmig.backfill('item', 'n = n + 1', batch_size => 100)");
is(sql('SELECT min(n), max(n), count(*) FROM item'), '1|1|5000', 'each row was updated once');
is(sql('SELECT count(*) FROM cmig.run_control'), '0', 'nothing is left');

# a revision: the run keeps its lock
sql(load_sql("-- revision: 001\n-- transactional: false\n\n-- cmig:upgrade\nCALL cmig.backfill('item', 'm = 1', 'm IS NULL', 500);\nCALL cmig.backfill('other', 'n = 1', 'n IS NULL', 500);\n"));
my $start = sql('SELECT extract(epoch FROM now())');
sql("SELECT * FROM cmig.pause('001')");
$run = start_psql($node, 'postgres', 'CALL cmig.upgrade_stepwise()');
paused('run');
fails_with($node, 'postgres', "SELECT * FROM cmig.upgrade()", '55P03', '', 'no other run can start');
like(sql($status), qr/^running\|upgrade of 001, by process \d+\|.*
statement\|backfill of public.item, pass 1, 0 rows, paused\|.*
running since\|.*
backfill\|public.item, paused: 0 of 5000 rows \(0.0 %\).*
paused\|public.item, by 001\|/, 'status of a stepwise run');

# cmig.metrics meanwhile, as the exporters read it with the files of doc/production.md
sql("CREATE ROLE monitoring LOGIN; SELECT * FROM cmig.grant_access('monitoring', 'monitor')");
my $expected = <<'END_METRICS';
pg_cmig_backfill_rows id=N revision=001 table=public.item 0
pg_cmig_backfill_rows_to_do id=N revision=001 table=public.item 5000
pg_cmig_backfill_state id=N revision=001 state=paused table=public.item 1
pg_cmig_lock_waits 0
pg_cmig_run_start_timestamp_seconds time
pg_cmig_runs_in_progress 1
END_METRICS
my $document = slurp_file("$CmigNode::top/doc/production.md");
my %file = $document =~ /^```yaml file=(\w+)\.yaml\n(.*?)^```/msg;
sub shown
{
	my @lines;

	foreach (@_)
	{
		my ($name) = /\bname="(pg_cmig_(?:run|lock_w|backfill)\w*)/ or next;
		my ($labels, $value) = /\{(.*)\} (\S+)$/;
		next if $name =~ /per_second/;
		my @labels = grep { !/^(?:server|col|database|driver|host|user|sql_job|name)=|=$/ } map { s/"//gr =~ s/^id=\d+/id=N/r } split /,/, $labels;

		$value = $value >= $start && $value < $start + 600 ? 'time' : $value + 0;
		push @lines, join(' ', $name, @labels, $value) . "\n";
	}
	return join '', sort @lines;
}
foreach my $exporter (sort keys %file)
{
	# the query alone
	my ($query) = $file{$exporter} =~ /query: \|\n(( +)\S.*?\n(?:\2 *\S.*\n)*)/;
	my $rows = $node->safe_psql('postgres', "SELECT '{' || (SELECT string_agg(key || '=\"' || value || '\"', ',' ORDER BY key) FROM jsonb_each_text(to_jsonb(q) - 'value')) || '} ' || value FROM ($query) q",
		extra_params => [ '-U', 'monitoring' ]);

	is(shown(split /\n/, $rows), $expected, "the query of $exporter");
  SKIP:
	{
		my $program = "prometheus-$exporter" =~ tr/_/-/r;
		my ($path) = grep { -x } map { "$_/$program" } split /:/, $ENV{PATH};
		my $port = PostgreSQL::Test::Cluster::get_free_port();
		my $config = "$PostgreSQL::Test::Utils::tmp_check/$exporter.yaml";
		my $metrics = '';

		skip "$program is not installed", 1 if !$path;
		$file{$exporter} =~ s{/shop\?host=[^&]*}{'/postgres?host=' . $node->host . '&port=' . $node->port}e;
		PostgreSQL::Test::Utils::append_to_file($config, $file{$exporter});
		local $ENV{DATA_SOURCE_NAME} = 'user=monitoring dbname=postgres sslmode=disable host=' . $node->host . ' port=' . $node->port;
		my $server = IPC::Run::start([ $path, $exporter eq 'sql_exporter' ? ('-config.file', $config, '-web.listen-address', "127.0.0.1:$port")
			: ('--extend.query-path', $config, '--disable-default-metrics', '--disable-settings-metrics', "--web.listen-address=127.0.0.1:$port") ],
			'<', \undef, '>&', \my $log);

		for (1 .. 100)
		{
			$metrics = HTTP::Tiny->new->get("http://127.0.0.1:$port/metrics")->{content};
			last if $metrics =~ /pg_cmig_standby/;
			select undef, undef, undef, 0.1;
		}
		$server->kill_kill;
		is(shown(split /\n/, $metrics), $expected, $program) or diag $metrics, $log;
	}
}
is(sql("SELECT target, revision, state FROM cmig.throttle('001', 20000)"), 'public.item|001|paused', 'a limit for a paused one');
is(sql("SELECT target, state, paused_by, max_rows FROM cmig.resume_run('001')"), 'public.item|running||20000', 'it continues');
is(finish_psql($run), 0, 'and ends') or diag $run->{err};
is(sql('SELECT count(*) FROM cmig.run_control'), '0', 'the limit ended with the revision');

# a low limit makes batches small; without it, they grow again
sql("UPDATE item SET m = NULL; SELECT * FROM cmig.throttle('item', 10)");
$run = start_psql($node, 'postgres', "CALL cmig.backfill('item', 'n = n + 1', batch_size => 50)");
$node->poll_query_until('postgres', "SELECT batches > 2 AND rows <= 50 + 10 * batches FROM cmig.backfill_progress WHERE state = 'running'") or die 'it is not limited';
sql("SELECT * FROM cmig.throttle('item', NULL)");
is(finish_psql($run), 0, 'the limit is lifted');
cmp_ok(sql('SELECT batches FROM cmig.backfill_progress ORDER BY id DESC LIMIT 1'), '<', 150, 'and the batches have grown');

# a batch that takes long becomes smaller
$node->safe_psql('postgres', <<'END_SQL');
CREATE TABLE slow (id int PRIMARY KEY, n int);
INSERT INTO slow SELECT generate_series(1, 600);
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(0.01); RETURN NEW; END$$;
CREATE TRIGGER slow BEFORE UPDATE ON slow FOR EACH ROW EXECUTE FUNCTION slow();
CALL cmig.backfill('slow', 'n = 1', batch_size => 300);
END_SQL
cmp_ok(sql("SELECT batches FROM cmig.backfill_progress WHERE target = 'public.slow'"), '>', 2, 'slow batches become smaller');

$node->stop;
done_testing();
