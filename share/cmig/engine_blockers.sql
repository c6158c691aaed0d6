-- engine_blockers.sql: who blocks the run of cmig that has the advisory lock, if somebody does.
-- Copyright (c) 2026, the pg_cmig developers
SELECT pg_catalog.pg_stat_clear_snapshot() AS cleared \gset
-- CREATE INDEX CONCURRENTLY may wait for this transaction, which then has to end
SELECT EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.locktype OPERATOR(pg_catalog.=) 'advisory' AND l.granted
	AND pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.=) ANY (pg_catalog.pg_blocking_pids(l.pid))) AS own \gset
\if :own
	\q
\endif
SELECT pg_catalog.concat(
	'Blocked by process ', a.pid,
	' of role "' OPERATOR(pg_catalog.||) a.usename::pg_catalog.text OPERATOR(pg_catalog.||) '"',
	CASE WHEN a.application_name OPERATOR(pg_catalog.<>) ''
		THEN pg_catalog.concat(' (application "', a.application_name, '")') END,
	'; its transaction has been open for ' OPERATOR(pg_catalog.||) EXTRACT(epoch FROM
		pg_catalog.date_trunc('second', pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) a.xact_start))::integer
		OPERATOR(pg_catalog.||) ' seconds',
	': ' OPERATOR(pg_catalog.||) pg_catalog.left(pg_catalog.translate(a.query, E'\n\r\t', '   '), 100))
FROM pg_catalog.pg_locks l, pg_catalog.unnest(pg_catalog.pg_blocking_pids(l.pid)) b
	JOIN pg_catalog.pg_stat_activity a ON a.pid OPERATOR(pg_catalog.=) b
WHERE l.locktype OPERATOR(pg_catalog.=) 'advisory' AND l.granted AND l.objsubid OPERATOR(pg_catalog.=) 1
	AND l.database OPERATOR(pg_catalog.=) (SELECT d.oid FROM pg_catalog.pg_database d
		WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
	AND (l.classid::bigint OPERATOR(pg_catalog.<<) 32 OPERATOR(pg_catalog.|) l.objid::bigint)
		OPERATOR(pg_catalog.=) pg_catalog.hashtextextended('pg_cmig cmig_engine.version', 0)
ORDER BY a.xact_start LIMIT 1;
