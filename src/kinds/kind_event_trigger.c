/*
 * kind_event_trigger.c
 *	  Event triggers.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kinds.h"

enum
{
	DEFINITION,
	ENABLED
};

static const CmigProperty properties[] = {
	[DEFINITION] = {"definition"},
	[ENABLED] = {"enabled"},
};

static const char event_trigger_sql[] =
"SELECT 'pg_event_trigger'::regclass::oid, e.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" e.evtname::text, quote_ident(e.evtname), pg_get_userbyid(e.evtowner)::text, false,"
" format('CREATE EVENT TRIGGER %I ON %s%s EXECUTE FUNCTION %s()', e.evtname, e.evtevent,"
"  (SELECT format(' WHEN TAG IN (%s)', string_agg(quote_literal(t.tag), ', ' ORDER BY t.n)) FROM unnest(e.evttags) WITH ORDINALITY t (tag, n) HAVING count(*) > 0),"
"  (SELECT format('%I.%I', n.nspname, p.proname) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = e.evtfoid)),"
" CASE e.evtenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' END"
" FROM pg_event_trigger e WHERE e.oid >= 16384";

/*
 * Re-create the trigger unless only its enabled state differs, because ALTER
 * EVENT TRIGGER can change nothing else.
 */
static void
alter_event_trigger(CmigAlter *alter)
{
	const char *to = alter->to->values[ENABLED];
	const char *from = alter->from->values[ENABLED];

	if (alter->from->values[DEFINITION] != NULL && cmig_alter_differs(alter, DEFINITION))
		alter->again = true;
	else if (cmig_alter_differs(alter, ENABLED))
		cmig_alter_action(alter, to ? to : "ENABLE", from ? from : "ENABLE");
}

static List *
create_event_trigger(const CmigObject *trigger)
{
	List	   *ddl = cmig_ddl_append(NIL, trigger->values[DEFINITION], cmig_kind_drop(trigger));

	return cmig_kind_complete(trigger, ddl, alter_event_trigger);
}

CmigKind	cmig_kind_event_trigger = {
	.name = "event trigger",.word = "EVENT TRIGGER",
	.flags = CMIG_KIND_GLOBAL | CMIG_KIND_DISPOSABLE,
	CMIG_PROPERTIES(properties),
	.sql = event_trigger_sql,.create = create_event_trigger,.alter = alter_event_trigger
};
