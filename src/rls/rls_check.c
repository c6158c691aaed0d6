/*
 * rls_check.c
 *	  cmig.rls_check and the gate at the end of an upgrade.
 *
 * Rules about a policy's expression are judged on its tree (rls_expr.c), the
 * others by queries (rls_posture.c).  Levels: error is a hole or an error in
 * the middle of a query, warning something slow or likely not meant, info
 * something to know.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/listing.h"
#include "base/query.h"
#include "base/settings.h"
#include "rls/rls.h"
#include "rls/rls_expr.h"
#include "rls/rls_lookup.h"
#include "rls/rls_open.h"
#include "rls/rls_posture.h"
#include "rls/rls_sandbox.h"
#include "rls/rls_stored.h"

#include "access/sysattr.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

PG_FUNCTION_INFO_V1(cmig_rls_check);

static char *rls_gate = NULL;

/* Schemas of people's tables. */
static CmigQuery all_schemas = {
	"SELECT n.oid FROM pg_namespace n WHERE n.nspname !~ '^pg_'"
	" AND n.nspname NOT IN ('information_schema', 'cmig', 'cmig_audit')", 0
};

static void
check_expression(const CmigRlsStored *policy, const CmigRlsExpression *in, bool is_check,
				 List **findings)
{
	const char *where = is_check ? "WITH CHECK" : "USING";

	if (in->truth == CMIG_RLS_NEVER)
		cmig_rls_stored_add_finding(findings, "always_false", "warning", policy,
									psprintf("%s is always false: %s", where,
											 policy->permissive ? "it allows nothing" : "it forbids everything"),
									cmig_rls_stored_drop(policy));
	if (in->truth != CMIG_RLS_DEPENDS)
		return;

	if (in->volatile_function)
		cmig_rls_stored_add_finding(findings, "volatile_function", "warning", policy,
									psprintf("%s calls the volatile function %s() for each row, and cannot use an index", where, in->volatile_function),
									cmig_rls_stored_repair(policy));
	if (in->row_function)
		cmig_rls_stored_add_finding(findings, "per_row_function", "warning", policy,
									psprintf(in->row_function_has_column ?
											 "%s calls %s() with a column, for each row" :
											 "%s calls %s() for each row; in a sub-select it is called once", where, in->row_function),
									in->row_function_has_column ?
									cmig_rls_stored_advice(policy, is_check, "let the function return the keys that the user may see, and ask <key> = ANY (ARRAY(SELECT <function>()))") :
									cmig_rls_stored_repair(policy));
	if (in->correlated)
		cmig_rls_stored_add_finding(findings, "correlated_subquery", "warning", policy,
									psprintf("%s has a sub-select that depends on the row and runs for each", where),
									cmig_rls_stored_advice(policy, is_check, "select the keys without the row, and ask <key> = ANY (ARRAY(SELECT <key> FROM <table> WHERE <user> = <context>))"));
	if (in->in_subselect)
		cmig_rls_stored_add_finding(findings, "in_subselect", "warning", policy,
									psprintf("%s has %s IN (SELECT ...), which cannot use an index; = ANY (ARRAY(SELECT ...)) can",
											 where, in->in_subselect),
									strcmp(in->in_subselect, "expression") == 0 ?
									cmig_rls_stored_advice(policy, is_check, "ask <key> = ANY (ARRAY(SELECT <key> FROM <table>)) for each of the keys") : cmig_rls_stored_repair(policy));
	if (in->cast_of_empty)
		cmig_rls_stored_add_finding(findings, "cast_of_empty", "warning", policy,
									psprintf("%s casts a setting to %s, which fails when it is '', as after SET LOCAL", where, in->cast_of_empty),
									cmig_rls_stored_repair(policy));
	if (in->strict_setting)
		cmig_rls_stored_add_finding(findings, "no_missing_ok", "warning", policy,
									psprintf("%s reads the setting %s without missing_ok, which fails when it was never set", where, in->strict_setting),
									cmig_rls_stored_repair(policy));
	if (in->outer_column)
		cmig_rls_stored_add_finding(findings, "unknown_column", "error", policy,
									psprintf("a sub-select in %s returns column %s of the policy's own table: no table in its FROM has that column",
											 where, quote_identifier(in->outer_column)),
									cmig_rls_stored_advice(policy, is_check, "qualify the columns of the sub-select with its table, as in <table>.<column>"));
	if (in->self_compared)
		cmig_rls_stored_add_finding(findings, "unknown_column", "error", policy,
									psprintf("a comparison in %s has the same column on both sides", where),
									cmig_rls_stored_advice(policy, is_check, "qualify both columns with their tables, as in <table>.<column>"));
}

static void
check_index(const CmigRlsStored *policy, List **findings)
{
	int			column = -1;

	if (policy->command == 'a')
		return;
	while ((column = bms_next_member(policy->in_qual->keys, column)) >= 0)
		if (!bms_is_member(column, policy->indexed))
		{
			char	   *name = get_attname(policy->relid, column, true);

			if (name == NULL)
				continue;
			cmig_rls_stored_add_finding(findings, "missing_index", "warning", policy,
										psprintf("no index leads with its key %s", quote_identifier(name)),
										psprintf("CREATE INDEX ON %s (%s)", policy->table, quote_identifier(name)));
		}
}

/* A column that the state names is gone or has another name now. */
static void
check_state(const CmigRlsStored *policy, List **findings)
{
	static const char *const options[] = {"tenant_column", "user_column", "key_column"};
	const char *columns[lengthof(options)];

	if (policy->state == NULL)
		return;
	columns[0] = policy->state->tenant_column;
	columns[1] = policy->state->user_column;
	columns[2] = policy->state->key_column;
	for (int i = 0; i < lengthof(columns); i++)
		if (columns[i] && get_attnum(policy->relid, columns[i]) == InvalidAttrNumber)
			cmig_rls_stored_add_finding(findings, "unknown_column", "warning", policy,
										psprintf("it was made for column %s, which the table does not have any more",
												 quote_identifier(columns[i])),
										psprintf("SELECT cmig.enable_rls(%s, %s => '<new name>')",
												 quote_literal_cstr(policy->table), options[i]));
}

static void
check_duplicates(const CmigRlsStored *policy, const List *siblings, List **findings)
{
	ListCell   *lc;

	foreach(lc, siblings)
	{
		CmigRlsStored *other = lfirst(lc);

		if (other == policy)
			break;
		if (other->permissive == policy->permissive && other->command == policy->command &&
			cmig_rls_stored_share_role(other, policy) && equal(other->qual, policy->qual) &&
			equal(other->check, policy->check))
		{
			cmig_rls_stored_add_finding(findings, "duplicate_policy", "warning", policy,
										psprintf("it says the same as policy %s", quote_identifier(other->name)),
										cmig_rls_stored_drop(policy));
			break;
		}
	}
}

static void
check_policy(const CmigRlsStored *policy, const List *siblings, List **findings)
{
	/* reports of both expressions that say the same are one */
	if (policy->qual)
		check_expression(policy, policy->in_qual, false, findings);
	if (policy->check && !equal(policy->qual, policy->check))
		check_expression(policy, policy->in_check, true, findings);
	check_index(policy, findings);
	check_state(policy, findings);
	check_duplicates(policy, siblings, findings);
}

static int
severity_rank(const char *severity)
{
	return severity[0] == 'e' ? 0 : severity[0] == 'w' ? 1 : 2;
}

static int
compare_findings(const ListCell *a, const ListCell *b)
{
	const CmigRlsFinding *left = lfirst(a);
	const CmigRlsFinding *right = lfirst(b);
	int			order = severity_rank(left->severity) - severity_rank(right->severity);

	if (order == 0)
		order = strcmp(left->object, right->object);
	if (order == 0)
		order = strcmp(left->rule, right->rule);
	return order ? order : strcmp(left->problem, right->problem);
}

/* A table's policies, and where to put what is found. */
typedef struct Judging
{
	List	   *siblings;
	const CmigRlsStored *policy;	/* one of them */
	CmigRlsLeakCache *cache;
	List	   *lookups;
	List	   *findings;
} Judging;

static void
judge_siblings(void *arg)
{
	cmig_rls_stored_judge(((Judging *) arg)->siblings);
}

static void
judge_policy(void *arg)
{
	Judging    *judging = arg;
	const CmigRlsStored *policy = judging->policy;
	int			count;
	Oid		   *roles = cmig_rls_stored_roles(policy, &count);

	cmig_rls_lookup_read(cmig_rls_stored_deciding(policy), roles, count, policy->table, &judging->lookups);
	check_policy(policy, judging->siblings, &judging->findings);
	cmig_rls_open_add_findings(policy, judging->siblings, judging->cache, &judging->findings);
}

/* Whatever somebody's policy makes fail, the others are judged. */
static void
judge_table(Judging *judging)
{
	bool		read = cmig_rls_sandbox_run(InvalidOid, judge_siblings, judging) == 0;
	ListCell   *lc;

	foreach(lc, judging->siblings)
	{
		judging->policy = lfirst(lc);
		if (!read || cmig_rls_sandbox_run(InvalidOid, judge_policy, judging) != 0)
			cmig_rls_stored_add_finding(&judging->findings, "not_judged", "warning", judging->policy,
										pstrdup("it cannot be judged: reading it fails"),
										cmig_rls_stored_try(judging->policy));
	}
}

static List *
find_all(ArrayType *schemas)
{
	List	   *policies = cmig_rls_stored_read(schemas);
	Judging		judging = {.cache = cmig_rls_leak_cache()};

	for (int first = 0, next; first < list_length(policies); first = next)
	{
		Oid			relid = ((CmigRlsStored *) list_nth(policies, first))->relid;

		/* the policies of a table are neighbors */
		judging.siblings = NIL;
		for (next = first; next < list_length(policies) &&
			 ((CmigRlsStored *) list_nth(policies, next))->relid == relid; next++)
			judging.siblings = lappend(judging.siblings, list_nth(policies, next));
		CHECK_FOR_INTERRUPTS();
		judge_table(&judging);
	}
	cmig_rls_lookup_add_findings(judging.lookups, &judging.findings);
	cmig_rls_posture_add_findings(schemas, &judging.findings);
	list_sort(judging.findings, compare_findings);
	return judging.findings;
}

/*
 * Entries
 */

static void
take_oid(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **oids = arg;
	bool		isnull;

	*oids = lappend_oid(*oids, DatumGetObjectId(cmig_query_datum(desc, row, 1, &isnull)));
}

static ArrayType *
oid_array(const List *oids)
{
	Datum	   *elements = palloc(sizeof(Datum) * (list_length(oids) + 1));
	int			count = 0;
	ListCell   *lc;

	foreach(lc, oids)
	{
		elements[count++] = ObjectIdGetDatum(lfirst_oid(lc));
	}
	return construct_array(elements, count, OIDOID, sizeof(Oid), true, TYPALIGN_INT);
}

Datum
cmig_rls_check(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	List	   *schemas = NIL;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		cmig_query_each(&all_schemas, NULL, NULL, take_oid, &schemas);
	else
		schemas = list_make1_oid(get_namespace_oid(text_to_cstring(PG_GETARG_TEXT_PP(0)), false));

	foreach(lc, find_all(oid_array(schemas)))
	{
		CmigRlsFinding *finding = lfirst(lc);
		Datum		values[5];
		bool		nulls[5] = {0};

		values[0] = CStringGetTextDatum(finding->rule);
		values[1] = CStringGetTextDatum(finding->severity);
		values[2] = CStringGetTextDatum(finding->object);
		values[3] = CStringGetTextDatum(finding->problem);
		nulls[4] = (finding->fix == NULL);
		if (finding->fix)
			values[4] = CStringGetTextDatum(finding->fix);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

static int
gate_hint(void)
{
	return errhint("Set the schemas that there are: ALTER DATABASE %s SET cmig.rls_gate = '<schemas>'",
				   quote_identifier(get_database_name(MyDatabaseId)));
}

void
cmig_rls_gate(void)
{
	List	   *names;
	List	   *schemas = NIL;
	CmigListing detail;
	char	   *fix = NULL;
	const char *gate;
	ListCell   *lc;

	gate = cmig_settings_guard_text("cmig.rls_gate", rls_gate);
	if (gate[0] == '\0')
		return;
	if (!SplitIdentifierString(pstrdup(gate), ',', &names))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for parameter \"%s\": \"%s\"", "cmig.rls_gate", gate),
				 errdetail("List syntax is invalid."),
				 gate_hint()));
	foreach(lc, names)
	{
		Oid			schema = get_namespace_oid(lfirst(lc), true);

		if (!OidIsValid(schema))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_SCHEMA),
					 errmsg("schema \"%s\" does not exist", (char *) lfirst(lc)),
					 errdetail("cmig.rls_gate names it as one to check at the end of an upgrade."),
					 gate_hint()));
		schemas = lappend_oid(schemas, schema);
	}

	cmig_listing_init(&detail, CMIG_LISTING_LINES);
	foreach(lc, find_all(oid_array(schemas)))
	{
		CmigRlsFinding *finding = lfirst(lc);

		if (strcmp(finding->severity, "error") != 0)
			continue;
		cmig_listing_add_format(&detail, "%s (%s): %s.",
								finding->object, finding->rule, finding->problem);
		if (fix == NULL)
			fix = finding->fix;
	}
	if (detail.count == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_RLS_GATE),
			 errmsg_plural("the upgrade would leave %d hole in row-level security",
						   "the upgrade would leave %d holes in row-level security", detail.count, detail.count),
			 errdetail_internal("%s", cmig_listing_text(&detail)),
			 errhint("SELECT * FROM cmig.rls_check() shows all findings. Add to the last revision: %s", fix)));
}

static bool
check_gate(char **value, void **extra, GucSource source)
{
	List	   *names;

	if (!SplitIdentifierString(pstrdup(*value), ',', &names))
	{
		GUC_check_errdetail("List syntax is invalid.");
		return false;
	}
	return true;
}

void
cmig_rls_check_init(void)
{
	/*
	 * cmig.rls_gate: schemas that an upgrade checks at its end.  Set by
	 * superusers and whom they grant it to, so that whoever writes a revision
	 * cannot leave it out.
	 */
	DefineCustomStringVariable("cmig.rls_gate",
							   "Schemas whose row-level security an upgrade checks before it ends; findings of level error stop it.",
							   NULL, &rls_gate, "", PGC_SUSET, GUC_LIST_INPUT,
							   check_gate, NULL, NULL);
}
