/*
 * check.c
 *	  cmig.rls_check, and the check at the end of an upgrade (cmig.rls_gate).
 *
 * Rules about the form of a policy's expression are here, those about the rows
 * that it lets through are in findings.c, and those that only read catalogs are
 * in the SQL function cmig.rls_rules.  doc/row-level-security.md describes the
 * rules.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/errors.h"
#include "rls/internal.h"
#include "rls/rls.h"
#include "store/store.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

PG_FUNCTION_INFO_V1(cmig_rls_check);

static char *rls_gate = NULL;
static char *rls_gate_level = NULL;

/* All schemas except those of PostgreSQL and pg_cmig, or those named, as oid[]. */
static CmigQuery read_schemas = {
	"SELECT coalesce(array_agg(n.oid), '{}')::text FROM pg_namespace n WHERE n.nspname = ANY ($1)"
	" OR ($1 IS NULL"
	" AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'cmig', 'cmig_audit'))",
	{TEXTARRAYOID}
};

static CmigQuery tables_with_policies = {
	"SELECT DISTINCT p.polrelid FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid"
	" WHERE c.relnamespace IN (SELECT unnest($1::oid[])) ORDER BY p.polrelid",
	{TEXTOID}
};

/* Returns a row if column $2 of table $1 is the first column of an index. */
static CmigQuery has_index = {
	"SELECT FROM pg_index x WHERE x.indrelid = $1 AND x.indkey[0] = $2 AND x.indisvalid"
	" AND x.indpred IS NULL",
	{OIDOID, INT4OID}
};

/* Returns a row if the default of column $2 of table $1 is ''. */
static CmigQuery has_empty_default = {
	"SELECT FROM pg_attrdef d WHERE d.adrelid = $1 AND d.adnum = $2"
	" AND pg_get_expr(d.adbin, d.adrelid) ~ '^''''(::[^:]*)?$'",
	{OIDOID, INT4OID}
};

void
cmig_rls_report(List **findings, const char *rule, const char *severity,
				const CmigRlsPolicy *policy, const char *problem, char *fix)
{
	CmigRlsFinding *finding = palloc0(sizeof(CmigRlsFinding));

	finding->rule = rule;
	finding->severity = severity;
	finding->object = psprintf("policy %s on %s", quote_identifier(policy->name), policy->table);
	finding->problem = problem;
	finding->fix = fix;
	*findings = lappend(*findings, finding);
}

/* Worst first, then by object, rule, and problem. */
static int
compare_findings(const ListCell *a, const ListCell *b)
{
	const CmigRlsFinding *left = lfirst(a);
	const CmigRlsFinding *right = lfirst(b);
	static const char letters[] = "ewn";
	int			order = strchr(letters, left->severity[0]) - strchr(letters, right->severity[0]);

	if (order == 0)
		order = strcmp(left->object, right->object);
	if (order == 0)
		order = strcmp(left->rule, right->rule);
	return order ? order : strcmp(left->problem, right->problem);
}

/* Returns a fix in words, as an SQL comment. */
char *
cmig_rls_advice(const CmigRlsPolicy *policy, bool is_check, const char *advice)
{
	return psprintf("-- %s of policy %s on %s: %s", is_check ? "WITH CHECK" : "USING",
					quote_identifier(policy->name),
					policy->table, advice);
}

/*
 * Returns ALTER POLICY with repaired expressions, or advice if that does not
 * change the given expression.
 */
static char *
repair(const CmigRlsPolicy *policy, bool is_check)
{
	StringInfoData text;
	bool		in_qual = false;
	bool		in_check = false;

	initStringInfo(&text);
	appendStringInfo(&text, "ALTER POLICY %s ON %s", quote_identifier(policy->name), policy->table);
	if (policy->qual)
		appendStringInfo(&text, " USING (%s)",
						 cmig_rls_repair_text(policy->qual, policy->relid, &in_qual));
	if (policy->check)
		appendStringInfo(&text, " WITH CHECK (%s)",
						 cmig_rls_repair_text(policy->check, policy->relid, &in_check));
	if (!(is_check ? in_check : in_qual))
		return cmig_rls_advice(policy, is_check,
							   "call the function in a sub-select, (SELECT <function>())");
	return text.data;
}

/* Returns a call of rls_test that shows the effect of a policy that cannot be judged. */
char *
cmig_rls_try_it(const CmigRlsPolicy *policy)
{
	Oid			role = linitial_oid(policy->roles);

	return psprintf("-- try it: SELECT * FROM cmig.rls_test(%s, %s, '<user id>', '<tenant id>')",
					quote_literal_cstr(policy->table),
					quote_literal_cstr(role == ACL_ID_PUBLIC ? "<role>" :
									   GetUserNameFromId(role, false)));
}

/*
 * Does the policy apply to the role?  As in PostgreSQL, it applies to a role that
 * has the privileges of one of its roles.
 */
bool
cmig_rls_binds(const CmigRlsPolicy *policy, Oid role)
{
	foreach_oid(oid, policy->roles)
	{
		if (oid == role || oid == ACL_ID_PUBLIC ||
			(role != ACL_ID_PUBLIC && !superuser_arg(role) && has_privs_of_role(role, oid)))
			return true;
	}
	return false;
}

/* Apply all rules to one policy, except those about the rows that it lets through. */
static void
check_policy(const CmigRlsPolicy *policy, List **findings)
{
	int			column;

	/* if both expressions are equal, report a problem only once */
	for (int is_check = 0; is_check < (equal(policy->qual, policy->check) ? 1 : 2); is_check++)
	{
		const CmigRlsExpression *in = is_check ? policy->in_check : policy->in_qual;

		if (in->truth == CMIG_RLS_NEVER)
			cmig_rls_report(findings, "always_false", "warning", policy,
							psprintf("%s is always false: %s", is_check ? "WITH CHECK" : "USING",
									 policy->permissive ? "it allows nothing" :
									 "it forbids everything"), cmig_rls_policy_drop(policy));
		column = -1;
		while (in->truth == CMIG_RLS_DEPENDS &&
			   (column = bms_next_member(in->empty_keys, column)) >= 0)
		{
			if (cmig_query_do(&has_empty_default, policy->relid, column) > 0)
				cmig_rls_report(findings, "open_without_context", "error", policy,
								psprintf("%s compares %s, whose default is '', with a setting, which is '' after a transaction that used SET LOCAL: without a context, it is true for the rows that have the default",
										 is_check ? "WITH CHECK" : "USING",
										 quote_identifier(get_attname(policy->relid, column,
																	  false))),
								cmig_rls_advice(policy, is_check,
												"compare with (SELECT nullif(current_setting(<name>, true), ''))"));
		}
		foreach_ptr(CmigRlsForm, form, in->truth == CMIG_RLS_DEPENDS ? in->forms : NIL)
		{
			/*
			 * if Citus manages the table, suggest no sub-select, because
			 * Citus rejects sub-selects in policies
			 */
			if (strcmp(form->rule, "per_row_function") != 0 || !cmig_citus_manages(policy->relid))
				cmig_rls_report(findings, form->rule,
								strcmp(form->rule, "unknown_column") == 0 ? "error" : "warning",
								policy, form->problem,
								form->advice ? cmig_rls_advice(policy, is_check, form->advice) :
								repair(policy, is_check));
		}
	}
	column = -1;
	while (policy->commands != CMIG_RLS_INSERT &&
		   (column = bms_next_member(policy->in_qual->keys, column)) >= 0)
	{
		char	   *name = get_attname(policy->relid, column, true);

		if (name && cmig_query_do(&has_index, policy->relid, column) == 0)
			cmig_rls_report(findings, "missing_index", "warning", policy,
							psprintf("no index has its key %s as the first column",
									 quote_identifier(name)),
							psprintf("CREATE INDEX ON %s (%s)", policy->table,
									 quote_identifier(name)));
	}
	if (!policy->permissive && cmig_citus_manages(policy->relid))
		cmig_rls_report(findings, "restrictive_on_shards", "error", policy,
						"Citus makes it permissive on the shards: it lets rows through that other policies reject",
						psprintf("Add its condition to each permissive policy of these roles, then %s", cmig_rls_policy_drop(policy)));
}

/*
 * Rules about flags, roles, privileges, views, functions, partitions, and sequences
 */

/*
 * The rules that only read catalogs are one query, so that checking a thousand
 * tables takes little longer than checking ten.  It is the body of a function,
 * which would be planned again for each call.
 */
static CmigQuery rules_text = {
	.sql = "SELECT prosrc FROM pg_proc WHERE oid = 'cmig.rls_rules(oid[], text)'::regprocedure"
};
static CmigQuery *rules = NULL;

/* The schemas whose tables are checked, and the rows of the query. */
typedef struct RulesRun
{
	char	   *schemas;
	List	   *found;			/* of CmigRlsFinding * */
} RulesRun;

static void
run_rules(void *arg)
{
	RulesRun   *run = arg;
	Datum		values[] = {OidInputFunctionCall(F_ARRAY_IN, run->schemas, OIDOID, -1),
	CStringGetTextDatum(CMIG_SET_ROLE_COMPAT)};

	run->found = cmig_query_texts(rules, values, NULL);
}

/*
 * Judge a function that sees every row; a task for cmig_rls_sandbox_run().  A
 * function that filters by the context is how members are usually looked up.
 */
static void
judge_function(void *arg)
{
	CmigRlsFinding *finding = arg;

	if (cmig_rls_shows_only_own(atooid(finding->definer)))
		finding->severity = "notice";
}

/* Add the findings of the rules that only read catalogs. */
static void
check_catalogs(char *schemas, List **findings)
{
	RulesRun	run = {schemas};
	static const Oid argtypes[] = {OIDARRAYOID, TEXTOID};
	const char *text = cmig_query_value(&rules_text);

	/* the extension can be updated while a session uses it */
	if (rules == NULL || strcmp(rules->sql, text) != 0)
	{
		if (rules != NULL)
			cmig_query_free(rules);
		rules = cmig_query_make_lasting(text, 2, argtypes);
	}
	cmig_query_at_once(true, run_rules, &run);
	foreach_ptr(CmigRlsFinding, finding, run.found)
	{
		if (finding->definer && cmig_rls_sandbox_run(InvalidOid, judge_function, finding) == 0 &&
			finding->severity[0] == 'n')
			finding->problem = psprintf("%s, but shows only rows that belong to the context",
										finding->problem);
	}
	*findings = list_concat(*findings, run.found);
}

/* A table's policies, and the results of checking them. */
typedef struct Judging
{
	List	   *siblings;
	const CmigRlsPolicy *policy;	/* the policy that is being checked */
	List	   *findings;
} Judging;

/*
 * Analyze the expressions of a table's policies; a task for
 * cmig_rls_sandbox_run().  The keys of the table are columns that a policy
 * compares with the context, columns that were given to enable_rls, and columns
 * with the usual names.
 */
static void
read_siblings(void *arg)
{
	List	   *siblings = ((Judging *) arg)->siblings;
	Bitmapset  *keys = NULL;

	foreach_ptr(CmigRlsPolicy, policy, siblings)
	{
		const CmigRlsSetup *setup = policy->setup;
		const char *names[] = {"tenant_id", "user_id", setup ? setup->tenant_column : NULL,
		setup ? setup->user_column : NULL, setup ? setup->key_column : NULL};

		policy->qual = policy->qual_text ? stringToNode(policy->qual_text) : NULL;
		policy->check = policy->check_text ? stringToNode(policy->check_text) : NULL;
		for (int i = 0; i < lengthof(names); i++)
		{
			AttrNumber	column = names[i] ? get_attnum(policy->relid, names[i]) : InvalidAttrNumber;

			if (column > 0)
				keys = bms_add_member(keys, column);
		}
		policy->in_qual = cmig_rls_expr_read(policy->qual, policy->relid, false);
		policy->in_check = cmig_rls_expr_read(policy->check, policy->relid, true);
		keys = bms_add_members(bms_add_members(keys, policy->in_qual->context_keys),
							   policy->in_check->context_keys);
	}
	foreach_ptr(CmigRlsPolicy, policy, siblings)
	{
		policy->keys = keys;
		policy->in_qual->truth = cmig_rls_truth(policy->qual, policy->relid);
		policy->in_check->truth = cmig_rls_truth(policy->check, policy->relid);
	}
}

/* Judge one policy; a task for cmig_rls_sandbox_run(). */
static void
judge_policy(void *arg)
{
	Judging    *judging = arg;

	check_policy(judging->policy, &judging->findings);
	cmig_rls_check_rows(judging->policy, judging->siblings, &judging->findings);
}

/*
 * Returns the findings about all policies in the schemas, most severe first.
 * If judging a policy fails, it is reported, and the others are checked.  With
 * "shards", includes findings about committed shards.
 */
static List *
find_all(const CmigNames *names, bool shards)
{
	Judging		judging = {0};
	char	   *schemas = cmig_query_value(&read_schemas, names);

	foreach_ptr(const CmigShardProblem, problem, shards ? cmig_citus_shard_problems(names) : NIL)
	{
		CmigRlsFinding finding = {"shard_differs", problem->severity, problem->object,
		problem->problem, unconstify(char *, problem->fix)};

		if (strcmp(problem->kind, "index") != 0 && strcmp(problem->kind, "constraint") != 0)
			judging.findings = lappend(judging.findings,
									   memcpy(palloc(sizeof(finding)), &finding, sizeof(finding)));
	}
	foreach_oid(table, cmig_query_oids(&tables_with_policies, schemas))
	{
		bool		read;

		CHECK_FOR_INTERRUPTS();
		judging.siblings = cmig_rls_policies_read(table);
		read = cmig_rls_sandbox_run(InvalidOid, read_siblings, &judging) == 0;
		foreach_ptr(CmigRlsPolicy, sibling, judging.siblings)
		{
			judging.policy = sibling;
			if (!read || cmig_rls_sandbox_run(InvalidOid, judge_policy, &judging) != 0)
				cmig_rls_report(&judging.findings, "not_judged", "warning", judging.policy,
								"it cannot be checked: reading it fails",
								cmig_rls_try_it(judging.policy));
		}
	}
	check_catalogs(schemas, &judging.findings);
	list_sort(judging.findings, compare_findings);
	foreach_ptr(CmigRlsFinding, finding, judging.findings)
	{
		/* no name in advice may end the comment */
		if (finding->fix && strncmp(finding->fix, "--", 2) == 0)
			finding->fix = cmig_text_one_line(pstrdup(finding->fix));
	}
	return judging.findings;
}

CMIG_READER(cmig_rls_check)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	static const char *const severities[] = {"error", "warning", "notice"};
	int			counts[lengthof(severities)] = {0};
	char	   *schema = cmig_argument_text(fcinfo, 0);
	StringInfoData name;

	InitMaterializedSRF(fcinfo, 0);
	if (schema)
		(void) get_namespace_oid(schema, false);
	foreach_ptr(CmigRlsFinding, finding, find_all(schema ? cmig_argument_one(schema) : NULL, true))
	{
		cmig_result_add_strings(result, offsetof(CmigRlsFinding, definer) / sizeof(char *),
								(void *) finding);
		for (int i = 0; i < lengthof(severities); i++)
			counts[i] += strcmp(finding->severity, severities[i]) == 0;
	}

	/* for cmig.metrics */
	initStringInfo(&name);
	escape_json(&name, schema ? schema : "");
	for (int i = 0; i < lengthof(severities); i++)
		cmig_measured_note("rls_findings",
						   psprintf("{\"schema\": %s, \"severity\": \"%s\"}", name.data,
									severities[i]), counts[i], true);
	return (Datum) 0;
}

/*
 * The gate
 */

#define GATE_HINT "List only schemas that exist. As a superuser: SELECT cmig.set_option('cmig.rls_gate', '<schemas>')"

void
cmig_rls_gate(void)
{
	List	   *names;
	CmigNames	schemas;
	CmigListing detail;
	char	   *fix = NULL;
	static const char try_it[] = "-- try it: ";
	const char *level = cmig_settings_guard_text("cmig.rls_gate_level", rls_gate_level);
	const char *gate = cmig_settings_guard_text("cmig.rls_gate", rls_gate);

	if (gate[0] == '\0')
		return;
	if (!SplitIdentifierString(pstrdup(gate), ',', &names))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for parameter \"%s\": \"%s\"", "cmig.rls_gate", gate),
				 errdetail("List syntax is invalid."),
				 errhint(GATE_HINT)));
	schemas.count = list_length(names);
	schemas.names = palloc(sizeof(char *) * (schemas.count + 1));
	foreach_ptr(char, name, names)
	{
		schemas.names[foreach_current_index(name)] = name;
		if (!OidIsValid(get_namespace_oid(name, true)))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_SCHEMA),
					 errmsg("schema \"%s\" does not exist", name),
					 errdetail("The setting cmig.rls_gate lists it as a schema to check at the end of an upgrade."),
					 errhint(GATE_HINT)));
	}

	cmig_listing_init(&detail, CMIG_LISTING_LINES);
	foreach_ptr(CmigRlsFinding, finding, find_all(&schemas, false))
	{
		bool		unjudged = strcmp(finding->rule, "not_judged") == 0;

		/*
		 * each level includes those before it: errors, other warnings, and
		 * what is not judged
		 */
		if (finding->severity[0] == 'n' ||
			(finding->severity[0] == 'w' && strcmp(level, "not_judged") != 0 &&
			 (unjudged || strcmp(level, "error") == 0)))
			continue;
		cmig_listing_add_format(&detail, "%s (%s): %s.", finding->object, finding->rule,
								finding->problem);
		if (fix == NULL)
			fix = finding->fix;
	}
	if (detail.count == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_RLS_GATE),
			 errmsg_plural("the upgrade would leave %d hole in row-level security",
						   "the upgrade would leave %d holes in row-level security", detail.count,
						   detail.count),
			 errdetail_internal("%s", cmig_listing_text(&detail)),
			 strncmp(fix, try_it, strlen(try_it)) == 0 ?
			 errhint("SELECT * FROM cmig.rls_check() shows all findings. Try: %s",
					 fix + strlen(try_it)) :
			 errhint("SELECT * FROM cmig.rls_check() shows all findings. Add to the last revision: %s", fix)));
}

/* Check hook of cmig.rls_gate.  The schemas need not exist yet. */
static bool
check_gate(char **value, void **extra, GucSource source)
{
	List	   *names;

	if (SplitIdentifierString(pstrdup(*value), ',', &names))
		return true;
	GUC_check_errdetail("List syntax is invalid.");
	return false;
}

/* Check hook of cmig.rls_gate_level. */
static bool
check_gate_level(char **value, void **extra, GucSource source)
{
	if (strcmp(*value, "error") == 0 || strcmp(*value, "warning") == 0 ||
		strcmp(*value, "not_judged") == 0)
		return true;
	GUC_check_errhint("Available values: error, warning, not_judged.");
	return false;
}

void
cmig_rls_check_init(void)
{
	/*
	 * cmig.rls_gate lists the schemas that are checked at the end of an
	 * upgrade.  Only superusers and roles to which they have granted the
	 * privilege can set it, so that a revision's author cannot turn the check
	 * off.
	 */
	DefineCustomStringVariable(cmig_settings_name("cmig.rls_gate"),
							   "Sets the schemas whose row-level security is checked at the end of an upgrade.",
							   "Findings with severity error stop the upgrade.", &rls_gate, "",
							   PGC_SUSET, GUC_LIST_INPUT,
							   check_gate, NULL, NULL);
	DefineCustomStringVariable(cmig_settings_name("cmig.rls_gate_level"),
							   "Sets which findings of cmig.rls_check stop an upgrade.",
							   "error: errors; warning: also warnings; not_judged: also policies that cannot be judged.",
							   &rls_gate_level, "error", PGC_SUSET, 0, check_gate_level, NULL,
							   NULL);
}
