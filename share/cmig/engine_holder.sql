-- engine_holder.sql: a text that says who has a lock, from the row a of pg_stat_activity.
-- Copyright (c) 2026, the pg_cmig developers
--
-- It stands for cmig_holder in engine_lock.sql, and in what cmig asks for itself.  A process such as autovacuum has
-- no role, and a role can have been dropped since it connected.
			pg_catalog.concat(a.pid, coalesce(' of role ' OPERATOR(pg_catalog.||) pg_catalog.quote_ident(a.usename),
				' (' OPERATOR(pg_catalog.||) a.backend_type OPERATOR(pg_catalog.||) ')'))
