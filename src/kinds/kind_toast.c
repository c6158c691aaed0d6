/*
 * kind_toast.c
 *	  Storage parameters of TOAST tables.
 *
 * The parameters are a separate object, because they can only be set once the
 * table has a column that needs a TOAST table.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kinds.h"
#include "kinds/options.h"

static const CmigProperty properties[] = {
	{"options", CMIG_PROPERTY_LIST},
};

static const char toast_sql[] =
"SELECT 'pg_class'::regclass::oid, t.oid, 0, 'pg_class'::regclass::oid, c.oid, 0,"
" c.relname::text, format('%I.%I', n.nspname, c.relname), NULL::text, false, " CMIG_OPTIONS_SQL("t.reloptions")
" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_class t ON t.oid = c.reltoastrelid"
" WHERE c.relnamespace = ANY ($1) AND c.relkind IN ('r', 'm') AND t.reloptions IS NOT NULL";

static const char toast_follows[] =
"SELECT 'pg_class'::regclass::oid, c.reltoastrelid, 0, 'pg_class'::regclass::oid, c.oid, a.attnum::integer"
" FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
" JOIN pg_class t ON t.oid = c.reltoastrelid"
" WHERE c.relnamespace = ANY ($1) AND c.relkind = 'r' AND t.reloptions IS NOT NULL";

static void
alter_toast(CmigAlter *alter)
{
	cmig_options_alter(alter, 0, cmig_kind_reference(alter->to->parent), "toast.");
}

static List *
create_toast(const CmigObject *toast)
{
	return toast->folded ? NIL : cmig_kind_complete(toast, NIL, alter_toast);
}

static char *
drop_toast(const CmigObject *toast)
{
	List	   *ddl = cmig_kind_complete(toast, NIL, alter_toast);

	return ((CmigDdl *) linitial(ddl))->undo;
}

/* CREATE TABLE can include the parameters; CREATE MATERIALIZED VIEW cannot. */
static bool
folds(const CmigObject *toast)
{
	return toast->parent->kind == &cmig_kind_table;
}

CmigKind	cmig_kind_toast = {
	.name = "TOAST parameters",.word = "TOAST",
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_FOLDS | CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(properties),
	.sql = toast_sql,.follows = toast_follows,.create = create_toast,.drop = drop_toast,.alter = alter_toast,
	.folds = folds
};
