/*
 * lint_domains.c
 *	  cmig.lint rules about domains.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "lint/lint_catalog.h"
#include "lint/lint_rules.h"
#include "lint/lint_state.h"
#include "lint/lint_text.h"
#include "lint/lint_types.h"

#include "catalog/namespace.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"

/* Implements the rule ban-create-domain-with-constraint. */
static void
check_create_domain(CmigLint *lint, Node *node)
{
	ListCell   *lc;

	foreach(lc, ((CreateDomainStmt *) node)->constraints)
	{
		ConstrType	type = lfirst_node(Constraint, lc)->contype;

		if (type != CONSTR_CHECK && type != CONSTR_NOTNULL)
			continue;
		cmig_lint_report(lint, NULL, "changing the constraint of domain %s will scan every table that uses the domain; use a constraint of the column, which can be NOT VALID",
						 NameListToQuotedString(((CreateDomainStmt *) node)->domainname));
		return;
	}
}

/*
 * Returns the first large table that uses a domain, or NULL if there is none.
 * Sets *known to false if the domain is unknown.
 */
static CmigLintTable *
find_user(CmigLint *lint, List *name, bool *known)
{
	TypeName   *type = makeTypeNameFromNameList(name);
	Oid			oid;
	int32		typmod;
	const char *new_name;
	ListCell   *lc;

	cmig_lint_types_find(lint, type, &oid, &typmod, &new_name);
	*known = new_name != NULL || OidIsValid(oid);
	if (!OidIsValid(oid))
		return NULL;
	foreach(lc, cmig_lint_catalog_tables_with_type(oid))
	{
		CmigLintTable *table = cmig_lint_state_find_oid(lint, lfirst_oid(lc));

		if (cmig_lint_model_is_large(table))
			return table;
	}
	return NULL;
}

/* Implements the rule ban-alter-domain-with-add-constraint. */
static void
check_alter_domain(CmigLint *lint, Node *node)
{
	AlterDomainStmt *alter = (AlterDomainStmt *) node;
	Constraint *constraint = (Constraint *) alter->def;
	bool		adds = alter->subtype == 'C';
	CmigLintTable *table;
	bool		known;
	char	   *fix = NULL;

	if ((!adds && alter->subtype != 'O') || (adds && constraint->skip_validation))
		return;
	table = find_user(lint, alter->typeName, &known);
	if (known && table == NULL)
		return;
	if (adds && constraint->contype == CONSTR_CHECK && constraint->conname)
		fix = psprintf("%s NOT VALID;\n-- in a later revision, when writes can wait:\nALTER DOMAIN %s VALIDATE CONSTRAINT %s",
					   lint->statement->text, NameListToQuotedString(alter->typeName),
					   quote_identifier(constraint->conname));
	cmig_lint_report(lint, fix, "the new constraint of domain %s scans %s and blocks writes to it",
					 NameListToQuotedString(alter->typeName),
					 table ? cmig_lint_text_table(table) : "every table that uses it");
}

const CmigLintRule cmig_lint_domains[] = {
	{"ban-create-domain-with-constraint", CMIG_LINT_WARNING, false, check_create_domain, {T_CreateDomainStmt}},
	{"ban-alter-domain-with-add-constraint", CMIG_LINT_WARNING, false, check_alter_domain, {T_AlterDomainStmt}},
	{NULL}
};
