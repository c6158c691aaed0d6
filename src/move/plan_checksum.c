/*
 * plan_checksum.c
 *	  Computes and checks a plan's checksum, which covers the plan's
 *	  revisions, their order, and their texts.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/argument.h"
#include "base/checksum.h"
#include "base/errors.h"
#include "base/listing.h"
#include "graph/repeatables.h"
#include "move/plan_checksum.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/*
 * The numbers of hexadecimal digits that a plan's checksum contains for the
 * whole plan, for the id of each step's revision, and for the texts of each
 * step.
 */
#define WHOLE_DIGITS 32
#define ID_DIGITS 4
#define TEXT_DIGITS 2
#define STEP_DIGITS (ID_DIGITS + TEXT_DIGITS)

/* The maximum number of steps that have their own digits in a checksum. */
#define MAX_STEPS 100

/*
 * Hashes
 */

/* Add a string, which may be NULL, to a checksum. */
static void
add_text(pg_cryptohash_ctx *checksum, const char *text)
{
	char		length[32];

	snprintf(length, sizeof(length), "%zd:", text != NULL ? (ssize_t) strlen(text) : (ssize_t) -1);
	cmig_checksum_add(checksum, length, strlen(length));
	if (text != NULL)
		cmig_checksum_add(checksum, text, strlen(text));
}

/* Returns the first "digits" hexadecimal digits of a hash of the texts. */
static char *
digits_of(const char *const *texts, int count, int digits)
{
	pg_cryptohash_ctx *checksum = cmig_checksum_start();
	char	   *result;

	for (int i = 0; i < count; i++)
		add_text(checksum, texts[i]);
	result = cmig_checksum_finish(checksum);
	result[digits] = '\0';
	return result;
}

/*
 * Returns the first "digits" hexadecimal digits of a hash of a step's
 * direction, transactional flag, and texts.
 */
static char *
step_digits(const CmigRunStep *step, int digits)
{
	const char *texts[] = {
		cmig_direction_name(step->direction), step->transactional ? "t" : "f", step->sql,
		step->verify_sql, step->precondition_sql
	};

	/* without a precondition, the hash covers only the first four texts */
	return digits_of(texts, lengthof(texts) - (step->precondition_sql == NULL), digits);
}

/* Returns the digits that represent a revision id in a plan's checksum. */
static char *
id_digits(const char *id)
{
	return digits_of(&id, 1, ID_DIGITS);
}

/*
 * Returns the first 64 bits of a hash, which is a string of hexadecimal
 * digits.
 */
static uint64
short_hash(const char *digits)
{
	return strtoull(pnstrdup(digits, 16), NULL, 16);
}

/*
 * Returns all digits of the hash of step i, or zeros if the step would revert
 * a revision that has no downgrade script.
 */
static char *
texts_of_step(const CmigSituation *now, const CmigPlan *plan, CmigStepTexts *texts, int i)
{
	const CmigRevision *revision = now->graph->nodes[plan->steps[i].node].revision;

	if (plan->direction == CMIG_DOWNGRADE && revision->irreversible)
		return pstrdup("0000000000000000000000000000000000000000000000000000000000000000");
	return step_digits(cmig_step_texts_get(texts, i), CMIG_CHECKSUM_DIGITS);
}

/*
 * Returns a plan's checksum.  If "hashes" is not NULL, stores a hash of each
 * step in the array.
 */
static char *
make_checksum(const CmigSituation *now, const CmigPlan *plan, CmigStepTexts *texts, uint64 *hashes)
{
	const char **parts = palloc(sizeof(char *) * (2 * (Size) plan->count + 1));
	StringInfoData steps;

	initStringInfo(&steps);
	for (int i = 0; i < plan->count; i++)
	{
		char	   *text;

		CHECK_FOR_INTERRUPTS();
		text = texts_of_step(now, plan, texts, i);
		parts[2 * i] = cmig_graph_id(now->graph, plan->steps[i].node);
		parts[2 * i + 1] = text;
		if (i < MAX_STEPS)
			appendStringInfo(&steps, "%s%.*s", id_digits(parts[2 * i]), TEXT_DIGITS, text);
		if (hashes != NULL)
			hashes[i] = short_hash(text);
	}
	return psprintf("%s-%s", digits_of(parts, 2 * plan->count, WHOLE_DIGITS), steps.data);
}

char *
cmig_plan_checksum(const CmigSituation *now, const CmigPlan *plan, CmigStepTexts *texts)
{
	return make_checksum(now, plan, texts, NULL);
}

/* Differences between a checksum and the current plan */

/* Does the string have the format of a checksum? */
static bool
is_checksum(const char *text)
{
	Size		length = strspn(text, "0123456789abcdef");

	if (length != WHOLE_DIGITS || text[length] != '-')
		return false;
	text += length + 1;
	length = strlen(text);
	return length <= MAX_STEPS * STEP_DIGITS && length % STEP_DIGITS == 0 &&
		strspn(text, "0123456789abcdef") == length;
}

/* Do two steps have the same digits for the ids of their revisions? */
static bool
same_id(const char *a, const char *b)
{
	return strncmp(a, b, ID_DIGITS) == 0;
}

/*
 * Compare the ids of two plans' steps.  Returns an array whose element i *
 * (b_count + 1) + j is the length of the longest common subsequence of the ids
 * from step i of "a" and from step j of "b" to the end.
 */
static int *
common_lengths(const char *a, int a_count, const char *b, int b_count)
{
	int		   *length = palloc0(sizeof(int) * (a_count + 1) * (b_count + 1));

	for (int i = a_count - 1; i >= 0; i--)
	{
		for (int j = b_count - 1; j >= 0; j--)
		{
			int		   *here = &length[i * (b_count + 1) + j];

			if (same_id(a + i * STEP_DIGITS, b + j * STEP_DIGITS))
				*here = here[b_count + 2] + 1;
			else
				*here = Max(here[b_count + 1], here[1]);
		}
	}
	return length;
}

/*
 * Returns a sentence about a revision that was in the plan with the given
 * checksum but is not in the current plan.  "digits" are the digits for the
 * revision's id.
 */
static char *
describe_missing(const CmigSituation *now, const char *digits)
{
	int			found = -1;

	for (int i = 0; i < now->graph->count + now->graph->repeatable_count; i++)
	{
		if (!same_id(id_digits(cmig_graph_id(now->graph, i)), digits))
			continue;
		/* do not name a revision if the digits represent more than one */
		if (found >= 0)
			return pstrdup("A revision that was in the plan is no longer in it.");
		found = i;
	}
	if (found < 0)
		return pstrdup("A revision that was in the plan no longer exists.");
	return psprintf("Revision \"%s\" was in the plan, but is %s.", cmig_graph_id(now->graph, found),
					!cmig_repeatables_is(now->graph, found) && now->applied->applied->set[found] ? "already applied" : "no longer in it");
}

/*
 * Returns a list of the differences between two plans.  "given" contains the
 * digits for the steps in the checksum that the caller passed, and "present"
 * contains those in the current plan's checksum.
 */
static char *
describe_changes(const CmigSituation *now, const CmigPlan *plan, const char *given, const char *present)
{
	int			given_count = strlen(given) / STEP_DIGITS;
	int			count = strlen(present) / STEP_DIGITS;
	int		   *length = common_lengths(given, given_count, present, count);
	int			i = 0;
	int			j = 0;
	CmigListing changes;

	cmig_listing_init(&changes, CMIG_LISTING_LINES);
	while (i < given_count || j < count)
	{
		const char *old = given + i * STEP_DIGITS;
		const char *new = present + j * STEP_DIGITS;
		const char *id = j < count ? cmig_graph_id(now->graph, plan->steps[j].node) : NULL;
		int		   *here = &length[i * (count + 1) + j];

		if (i < given_count && j < count && same_id(old, new))
		{
			if (strncmp(old, new, STEP_DIGITS) != 0)
				cmig_listing_add_format(&changes, "The text of revision \"%s\" has changed.", id);
			i++;
			j++;
		}
		else if (j == count || (i < given_count && here[count + 1] >= here[1]))
		{
			cmig_listing_add(&changes, describe_missing(now, old));
			i++;
		}
		else
		{
			cmig_listing_add_format(&changes, "Revision \"%s\" was not in the plan.", id);
			j++;
		}
	}
	return changes.count > 0 ? cmig_listing_text(&changes) :
		psprintf("The first %d steps are the same.", count);
}

/* The scripts to which a run is restricted. */
struct CmigAllowedTexts
{
	uint64	   *hashes;			/* indexed by step: hash of the step's texts */
};

char *
cmig_plan_checksum_argument(FunctionCallInfo fcinfo, int n, const char *hint)
{
	char	   *checksum = cmig_argument_text(fcinfo, n);

	if (checksum == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the checksum of the plan must not be null"),
				 errhint("SELECT plan_checksum FROM cmig.plan() LIMIT 1")));
	if (!is_checksum(checksum))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%.*s\" is not the checksum of a plan",
						pg_mbcliplen(checksum, strlen(checksum), WHOLE_DIGITS + 1), checksum),
				 errdetail("cmig.plan and cmig.dry_run show the checksum of a plan."),
				 errhint("%s", hint ? hint : "SELECT plan_checksum FROM cmig.plan() LIMIT 1")));
	return checksum;
}

CmigAllowedTexts *
cmig_plan_checksum_require(const char *checksum, const CmigSituation *now, const CmigPlan *plan)
{
	CmigAllowedTexts *allowed;
	char	   *present;

	if (checksum == NULL)
		return NULL;
	allowed = palloc(sizeof(CmigAllowedTexts));
	allowed->hashes = palloc_extended(sizeof(uint64) * Max(plan->count, 1), MCXT_ALLOC_HUGE);
	present = make_checksum(now, plan, cmig_step_texts_make(now->graph, plan), allowed->hashes);
	if (strcmp(present, checksum) == 0)
		return allowed;
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_PLAN_CHANGED),
			 errmsg("the plan has changed since it was shown"),
			 errdetail("%s", describe_changes(now, plan, checksum + WHOLE_DIGITS + 1,
											  present + WHOLE_DIGITS + 1)),
			 errhint("SELECT * FROM cmig.plan('%s', %s)", cmig_direction_name(plan->direction),
					 plan->target)));
}

void
cmig_plan_checksum_require_step(const CmigAllowedTexts *allowed, int i, const CmigRunStep *step)
{
	char	   *digits;

	if (allowed == NULL)
		return;
	digits = step_digits(step, CMIG_CHECKSUM_DIGITS);
	if (short_hash(digits) != allowed->hashes[i])
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_PLAN_CHANGED),
				 errmsg("the text of revision \"%s\" was changed during the run", step->revision)));
	pfree(digits);
}
