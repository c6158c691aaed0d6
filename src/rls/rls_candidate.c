/*
 * rls_candidate.c
 *	  Chooses the values to try in a column when a policy's expression is
 *	  evaluated.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "rls/rls_candidate.h"
#include "rls/rls_owner.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/lsyscache.h"

List *
cmig_rls_candidate_add(List *candidates, Const *value, CmigRlsLeakLevel level, bool ordinary)
{
	CmigRlsCandidate *candidate = palloc(sizeof(CmigRlsCandidate));

	candidate->value = value;
	candidate->level = level;
	candidate->ordinary = ordinary;
	return lappend(candidates, candidate);
}

/*
 * If the value is an integer, append to the candidates the integers before and
 * after it.
 */
static List *
add_neighbors(List *candidates, Const *value)
{
	int64		number;

	if (value->consttype == INT4OID)
		number = DatumGetInt32(value->constvalue);
	else if (value->consttype == INT8OID)
		number = DatumGetInt64(value->constvalue);
	else
		return candidates;
	if (number > -1000000 && number < 1000000)
	{
		candidates = cmig_rls_candidate_add(candidates, cmig_rls_sample_const(value->consttype, psprintf(INT64_FORMAT, number - 1)),
											CMIG_RLS_SOME, false);
		candidates = cmig_rls_candidate_add(candidates, cmig_rls_sample_const(value->consttype, psprintf(INT64_FORMAT, number + 1)),
											CMIG_RLS_SOME, false);
	}
	return candidates;
}

Const *
cmig_rls_candidate_usual(const CmigRlsInput *input, int whose)
{
	Const	   *value = NULL;

	for (int i = 0; i < 8; i++)
	{
		bool		asked = false;
		ListCell   *lc;

		value = cmig_rls_sample(input->type, input->form, i == 0 ? whose : input->key ? i : i - 2);
		foreach(lc, input->equals)
		{
			asked |= equal(lfirst(lc), value);
		}
		if (!asked)
			break;
	}
	return value;
}

/*
 * Returns true if one of the names on the path to a member of a JSON document
 * suggests an owner, such as "tenant_id".
 */
static bool
path_tells_owner(const List *path)
{
	ListCell   *lc;

	foreach(lc, path)
	{
		if (cmig_rls_owner_is_named(lfirst(lc)))
			return true;
	}
	return false;
}

/*
 * Returns candidates for a column that contains JSON documents.  Two of them
 * contain only the members that identify the owner, once as strings and once
 * as numbers.  If the expression reads other members, a third candidate has
 * all members.
 */
static List *
document_candidates(const CmigRlsInput *input, int whose)
{
	List	   *owners = NIL;
	List	   *candidates;
	ListCell   *lc;

	foreach(lc, input->members)
	{
		if (path_tells_owner(lfirst(lc)))
			owners = lappend(owners, lfirst(lc));
	}
	candidates = cmig_rls_candidate_add(NIL, cmig_rls_sample_document(input->type, input->form, whose, owners), CMIG_RLS_OPEN, true);

	/*
	 * also add a document with strings instead of numbers, or numbers instead
	 * of strings, because a condition on a member may expect either
	 */
	candidates = cmig_rls_candidate_add(candidates, cmig_rls_sample_document(input->type, input->form == CMIG_RLS_FORM_NUMBER ? CMIG_RLS_FORM_TEXT : CMIG_RLS_FORM_NUMBER,
																			 whose, owners), CMIG_RLS_OPEN, false);
	if (list_length(owners) < list_length(input->members))
		candidates = cmig_rls_candidate_add(candidates, cmig_rls_sample_document(input->type, input->form, whose, input->members),
											CMIG_RLS_MARKED, true);
	return candidates;
}

const char *
cmig_rls_candidate_boundless(Oid type)
{
	return OidIsValid(get_element_type(type)) ? "{}" : OidIsValid(get_range_subtype(type)) ? "(,)" : NULL;
}

List *
cmig_rls_candidates(const CmigRlsInput *input, int whose)
{
	List	   *candidates = NIL;
	Const	   *usual;
	bool		nullable = !input->never_null;
	ListCell   *lc;

	if (input->members && !input->null_tested && input->equals == NIL && input->compares == NIL)
		return document_candidates(input, whose);
	usual = cmig_rls_candidate_usual(input, whose);
	if (input->type == BOOLOID)
	{
		/*
		 * assume that ordinary rows have false and a few special rows have
		 * true
		 */
		candidates = cmig_rls_candidate_add(candidates, cmig_rls_sample(BOOLOID, 0, 0),
											input->false_marks ? CMIG_RLS_MARKED : CMIG_RLS_SOME, true);
		candidates = cmig_rls_candidate_add(candidates, cmig_rls_sample(BOOLOID, 0, 1), CMIG_RLS_MARKED, true);
		return candidates;
	}
	/* add the usual value and, for a column such as deleted_at, null */
	candidates = cmig_rls_candidate_add(candidates, usual, input->null_tested && nullable ? CMIG_RLS_MARKED : CMIG_RLS_OPEN, true);
	if (input->null_tested && nullable)
		candidates = cmig_rls_candidate_add(candidates, cmig_rls_sample_null(input->type), CMIG_RLS_SOME, true);
	if (cmig_rls_candidate_boundless(input->type))
		candidates = cmig_rls_candidate_add(candidates, cmig_rls_sample_const(input->type, cmig_rls_candidate_boundless(input->type)), CMIG_RLS_SOME, false);
	foreach(lc, input->equals)
	{
		candidates = cmig_rls_candidate_add(candidates, lfirst(lc), CMIG_RLS_MARKED, false);
	}
	foreach(lc, input->compares)
	{
		candidates = cmig_rls_candidate_add(candidates, lfirst(lc), CMIG_RLS_SOME, false);
		candidates = add_neighbors(candidates, lfirst(lc));
	}
	if (input->type == DATEOID || input->type == TIMESTAMPOID || input->type == TIMESTAMPTZOID)
		candidates = cmig_rls_candidate_add(candidates, cmig_rls_sample_const(input->type, "now"),
											input->null_tested && nullable ? CMIG_RLS_MARKED : CMIG_RLS_SOME, false);
	if (input->type == DATEOID || input->type == TIMESTAMPOID || input->type == TIMESTAMPTZOID)
		candidates = cmig_rls_candidate_add(candidates, cmig_rls_sample_const(input->type, "2199-01-01"),
											input->null_tested && nullable ? CMIG_RLS_MARKED : CMIG_RLS_SOME, false);
	return candidates;
}
