/*
 * rehearsal.c
 *	  The rehearsal: runs the statements of a difference, down and up, on copies
 *	  of the objects that they concern.
 *
 * The copies are created in the shadow, from the new image.  The downgrade must
 * then lead to the old image, and the upgrade back to the new one.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/pg_cast.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "schema/internal.h"

/* ----------------------------------------------------------------
 * Runs lines in the shadow, in subtransactions.
 *
 * The end of a subtransaction takes time for each relation that has been
 * created so far, so one runs many lines, and again those before the first that
 * fails, which then runs in one of its own.
 * ----------------------------------------------------------------
 */

/* Lines that are being run. */
typedef struct Trial
{
	CmigTargetState *state;
	CmigScriptRun *run;
	const List *lines;
	bool		upgrade;
	int			next;			/* the current line, in the order of the run */
	int			end;			/* where the subtransaction ends */
	List	   *failures;		/* list of CmigDiffFailure */
} Trial;

static const CmigDiffLine *
line_at(const Trial *trial, int place)
{
	return list_nth(trial->lines,
					trial->upgrade ? place : list_length(trial->lines) - 1 - place);
}

/* The shadow's record of these is not rolled back. */
static bool
runs_alone(const CmigDiffLine *line)
{
	const CmigObject *root = line->subject ?
	cmig_object_root(unconstify(CmigObject *, line->subject)) : NULL;

	return root == NULL || root->kind == &cmig_kind_schema || root->kind == &cmig_kind_extension;
}

/* Subtransaction callback: run the statements of lines. */
static void
run_some(void *arg)
{
	Trial	   *trial = arg;
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "pg_cmig statement",
												  ALLOCSET_DEFAULT_SIZES);

	for (int first = trial->next; trial->next < trial->end; trial->next++)
	{
		const CmigDiffLine *line = line_at(trial, trial->next);
		const char *sql = trial->upgrade ? line->upgrade : line->downgrade;
		CmigScriptReader *script;

		if (sql == NULL)
			continue;
		if (runs_alone(line))
			trial->end = Max(first + 1, trial->next);
		if (trial->next == trial->end)
			break;
		CHECK_FOR_INTERRUPTS();
		cmig_run_limit_check();
		MemoryContextSwitchTo(context);
		script = cmig_script_open(sql);
		while (cmig_script_next(script, &trial->run->statement))
			cmig_target_execute(trial->state, &trial->run->statement);
		cmig_script_close(script);
		trial->run->statement.text = NULL;
		MemoryContextSwitchTo(caller);

		/* each partition that is attached takes memory for those before it */
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
}

static void
run_lines(CmigScriptRun *run, void *arg)
{
	Trial	   *trial = arg;
	int			first = 0;
	int			many = 1;

	trial->run = run;
	while (first < list_length(trial->lines))
	{
		int			missing = list_length(trial->state->missing);
		ErrorData  *error;
		CmigDiffFailure *failure;

		trial->next = first;
		trial->end = Min(first + many, list_length(trial->lines));
		error = cmig_subtransaction_try(run_some, trial);
		run->statement.text = NULL;
		if (error == NULL)
		{
			many = 2 * (trial->next - first);
			first = trial->next;
			continue;
		}
		if (cmig_subtransaction_must_rethrow(error))
			ReThrowError(error);
		trial->state->missing = list_truncate(trial->state->missing, missing);
		many = Max(trial->next - first, 1);
		if (trial->next > first)
			continue;
		failure = palloc(sizeof(CmigDiffFailure));
		failure->line = line_at(trial, first++);
		failure->upgrade = trial->upgrade;
		failure->error = error;
		trial->failures = lappend(trial->failures, failure);
	}
}

List *
cmig_rehearsal_run(CmigTargetState *state, const List *lines, bool upgrade, bool checks,
				   const char *path)
{
	const char *const settings[] = {"row_security", "on", "client_min_messages", "error",
	checks ? NULL : "check_function_bodies", "off", NULL};
	static const CmigRunStep step = {.revision = "the difference"};
	CmigScriptRun run = {.step = &step,.verb = "SQL"};
	Trial		trial = {.state = state,.lines = lines,.upgrade = upgrade};

	cmig_target_in_session(state, &run, path, settings, run_lines, &trial);
	return trial.failures;
}

/* ----------------------------------------------------------------
 * Chooses the objects that a difference concerns.
 * ----------------------------------------------------------------
 */

/* An image, and which of its objects are chosen. */
typedef struct Choice
{
	const CmigImage *image;
	bool	   *changed;		/* objects that the difference changes */
	bool	   *renewed;		/* objects that may be created again */
	bool	   *touched;		/* objects that have changed parts */
	bool	   *chosen;			/* these, and what they need */
} Choice;

static void
choice_init(Choice *choice, const CmigImage *image)
{
	choice->image = image;
	choice->changed = palloc0(Max(image->count, 1));
	choice->renewed = palloc0(Max(image->count, 1));
	choice->touched = palloc0(Max(image->count, 1));
	choice->chosen = palloc0(Max(image->count, 1));
}

static void
mark_changed(Choice *choice, CmigObject *object)
{
	choice->changed[object->index] = choice->touched[cmig_object_root(object)->index] = true;
}

/* Mark the image's object with this kind and identity as changed. */
static void
choose(Choice *choice, const CmigObject *object)
{
	CmigObject *own = object ? cmig_image_counterpart(choice->image, object) :
	NULL;

	if (own == NULL)
		return;
	mark_changed(choice, own);
	choice->chosen[own->index] = true;
}

/*
 * Does a change of "on" concern the object: is it a part of it that changes, or
 * does it inherit from the table or use its row type?
 */
static bool
is_concerned(const Choice *choice, const CmigObject *object, CmigObject *on)
{
	if (choice->changed[on->index])
		return true;
	if (on->parent != NULL && choice->changed[on->parent->index] &&
		(on->parent->change == NULL || on->parent->change->action == CMIG_AGAIN ||
		 on->parent->change->action == CMIG_DROP))
		return true;
	if (cmig_table_is(on))
		for (const CmigObject *child = on->child; child != NULL; child = child->sibling)
			if (choice->changed[child->index])
				return true;
	return false;
}

static bool
is_type(const CmigObject *object)
{
	return (object->kind->flags & CMIG_KIND_TYPE) != 0 &&
		(object->kind->flags & CMIG_KIND_RELATION) == 0;
}

/* Is the object a schema that the shadow creates again? */
static bool
is_own_schema(const CmigManaged *managed, const CmigObject *object)
{
	for (int i = 0; i < managed->count && object->kind == &cmig_kind_schema; i++)
		if (strcmp(quote_identifier(managed->schemas[i].name), object->identity) == 0)
			return managed->schemas[i].owned || !OidIsValid(managed->schemas[i].oid);
	return object->kind == &cmig_kind_schema;
}

/* Choose what the chosen objects need, and their dependents that change. */
static bool
extend(Choice *choice, const CmigManaged *managed)
{
	bool		any = false,
				found = true;

	while (found)
	{
		found = cmig_copies_complete(choice->image, choice->chosen, choice->touched);
		for (int i = 0; i < choice->image->count; i++)
		{
			CmigObject *object = choice->image->objects[i];

			if (is_own_schema(managed, object))
				found |= cmig_copies_add(choice->chosen, object);
			for (int j = 0; j < object->ndepends && !choice->renewed[i]; j++)
			{
				const CmigObject *on = object->depends[j];

				if (is_concerned(choice, object, object->depends[j]))
					found |= cmig_copies_add(choice->chosen, object);
				/* with an index, those of all partitions below change */
				if (object->inherited && choice->changed[on->index] && !choice->changed[i])
				{
					mark_changed(choice, object);
					found = true;
				}
				/* what uses a type may be created again, with its dependents */
				if (choice->renewed[on->index] || (is_type(on) && choice->changed[on->index]))
				{
					mark_changed(choice, object);
					found = choice->renewed[i] = true;
				}
			}
		}
		any |= found;
	}
	return any;
}

/* Choose the objects of "other" that are chosen in "choice". */
static bool
follow(const Choice *choice, Choice *other)
{
	bool		any = false;

	for (int i = 0; i < choice->image->count; i++)
	{
		const CmigObject *object = choice->image->objects[i];
		CmigObject *same = choice->chosen[i] ?
		cmig_image_counterpart(other->image, object) : NULL;

		if (same != NULL)
			any |= cmig_copies_add(other->chosen, same);
	}
	return any;
}

/* Remove from the image all objects but the chosen ones. */
static CmigImage *
only_chosen(const Choice *choice, CmigImage *image)
{
	bool	   *marked = palloc(Max(image->count, 1));

	for (int i = 0; i < image->count; i++)
		marked[i] = !choice->chosen[i];
	(void) cmig_image_remove(image, marked);
	return image;
}

/* ----------------------------------------------------------------
 * Proves the lines of a difference.
 *
 * An object is doubtful if it cannot be rehearsed, because it cannot be copied,
 * because its change cannot be reverted, or because it needs such an object.
 * Nothing is said about doubtful objects.
 * ----------------------------------------------------------------
 */

/* How often a difference is completed with what its statements lack. */
#define ROUNDS 3

typedef struct Proof
{
	const CmigManaged *managed;
	const char *function;		/* for messages of the shadow */
	const CmigDiffOptions *options;
	Choice		old;
	Choice		new;
	CmigImage  *from;			/* what is chosen of the old image */
	CmigImage  *to;
	List	   *start;			/* list of CmigDiffLine: they create "to" */
	List	   *doubtful;		/* list of CmigObject: roots, of any image */
	List	   *reasons;		/* list of char *: why objects are doubtful */
	List	   *renames;		/* list of CmigDiffLine: they come first */
	List	   *original;		/* copies of the difference's lines */
	List	   *lines;			/* these, completed */
	List	   *failed;			/* list of CmigDiffFailure: of the original
								 * lines */
	CmigShadow *shadow;
	CmigTargetState state;
	List	   *problems;		/* list of CmigDiffLine: unsupported changes,
								 * if the last round has failed */
	bool		upward;			/* copy the old objects, and run the upgrade
								 * first */
	bool		proved;
} Proof;

/* Is the object, or what it belongs to, doubtful? */
static bool
is_doubtful(const Proof *proof, const CmigObject *object)
{
	const CmigObject *root = cmig_object_root(unconstify(CmigObject *, object));

	foreach_ptr(const CmigObject, doubtful, proof->doubtful)
	{
		if (cmig_object_compare(doubtful, root) == 0)
			return true;
	}
	return false;
}

/* Returns true if the object was not doubtful before. */
static bool
doubt(Proof *proof, const CmigObject *object)
{
	if (object == NULL || is_doubtful(proof, object))
		return false;
	proof->doubtful = lappend(proof->doubtful, cmig_object_root(unconstify(CmigObject *, object)));
	return true;
}

/*
 * Doubt the objects of an image that need doubtful ones, or objects that are not
 * compared.
 */
static bool
spread_doubt(Proof *proof, const CmigImage *image)
{
	bool		any = false;

	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *object = image->objects[i];

		if (object->partial)
			any |= doubt(proof, object);
		for (int j = 0; j < object->ndepends && proof->doubtful != NIL; j++)
			if (is_doubtful(proof, object->depends[j]))
				any |= doubt(proof, object);
	}
	return any;
}

/* Doubt the line's object because of an error, or because its copy differs. */
static bool
tell_doubt(Proof *proof, const CmigDiffLine *line, const char *reason)
{
	if (!doubt(proof, line->subject))
		return false;
	proof->reasons = lappend(proof->reasons,
							 psprintf("%s %s: %s", line->kind, line->object, reason));
	return true;
}

/*
 * Doubt what the shadow cannot contain: schemas of other roles, and distributed
 * tables, whose statements it only records.
 */
static void
doubt_outside(Proof *proof, const CmigImage *image)
{
	for (int i = 0; i < image->count; i++)
	{
		if (image->objects[i]->kind == &cmig_kind_distribution)
			(void) doubt(proof, image->objects[i]);
		if (image->objects[i]->kind == &cmig_kind_schema &&
			!is_own_schema(proof->managed, image->objects[i]) &&
			doubt(proof, image->objects[i]))
			proof->reasons = lappend(proof->reasons,
									 psprintf("schema %s: it belongs to another role",
											  image->objects[i]->identity));
	}
}

static void
settle_doubts(Proof *proof)
{
	while (spread_doubt(proof, proof->from) || spread_doubt(proof, proof->to))
		;
}

/*
 * Returns why an index or constraint of "to" differs although there is no
 * statement, because it is inherited in an image: ATTACH PARTITION takes the
 * first index that fits, for example.
 */
static char *
inherited_difference(const CmigObject *from, const CmigObject *to)
{
	if (from == NULL)
		return to->inherited ? "it is missing" : NULL;
	if (from->inherited != to->inherited && strncmp(to->values[CMIG_DEFINITION], "CHECK", 5) != 0)
		return to->inherited ? "it is not attached" : "it is attached instead of another";
	if (!cmig_object_same(from, to, CMIG_DEFINITION))
		return psprintf("%s -> %s", from->values[CMIG_DEFINITION], to->values[CMIG_DEFINITION]);
	if (!cmig_text_same(from->operators, to->operators))
		return "it has other operators";
	return NULL;
}

/* Add a line for each such index or constraint of "to", or only of "from". */
static void
add_inherited(const CmigImage *from, const CmigImage *to, List **lines)
{
	for (int i = 0; i < to->count + from->count; i++)
	{
		const CmigObject *object = i < to->count ? to->objects[i] : from->objects[i - to->count];
		const CmigObject *other = cmig_image_counterpart(i < to->count ? from : to, object);
		const char *reason = NULL;

		if (object->kind == &cmig_kind_index || object->kind == &cmig_kind_constraint)
			reason = i < to->count ? inherited_difference(other, object) : other == NULL &&
				object->inherited ? "it stays" : NULL;
		if (reason == NULL)
			continue;
		cmig_diff_line_add_unsupported(lines, object->kind->name, object->identity, reason);
		((CmigDiffLine *) llast(*lines))->subject = object;
	}
}

/* Returns the lines between two images, except about doubtful objects. */
static List *
lines_between(const Proof *proof, CmigImage *from, const CmigImage *to)
{
	List	   *lines = NIL;
	List	   *result = NIL;

	cmig_diff_lines(cmig_compare(from, cmig_image_copy(to), proof->options), &lines);
	if (lines == NIL)
		add_inherited(from, to, &lines);
	foreach_ptr(CmigDiffLine, line, lines)
	{
		if (!is_doubtful(proof, line->subject))
			result = lappend(result, line);
	}
	return result;
}

/* Add a row for each difference that no statement could make. */
static void
add_problems(Proof *proof, const List *failures, const List *lines, const char *reason)
{
	foreach_ptr(const CmigDiffFailure, failure, failures)
		cmig_diff_line_add_unsupported(&proof->problems, failure->line->kind, failure->line->object,
									   psprintf("%s: %s", reason, failure->error->message));
	foreach_ptr(const CmigDiffLine, line, lines)
	{
		if (!line->incidental && failures == NIL)
			cmig_diff_line_add_unsupported(&proof->problems, line->kind, line->object,
										   line->change ? psprintf("%s: %s", reason, line->change) :
										   line->upgrade == NULL ?
										   psprintf("%s: %s", reason, line->hazard) : reason);
	}
}

static CmigDiffLine *
copy_line(const CmigDiffLine *line)
{
	CmigDiffLine *copy = palloc(sizeof(CmigDiffLine));

	*copy = *line;
	return copy;
}

/*
 * Make the lines whose statements have failed do nothing, and append "missing",
 * the statements that lead from their result to the intended one.  Those of the
 * downgrade, which runs in reverse order, come first.
 */
static void
complete(Proof *proof, const List *failures, const List *missing, bool upgrade)
{
	foreach_ptr(const CmigDiffFailure, failure, failures)
	{
		CmigDiffLine *line = unconstify(CmigDiffLine *, failure->line);

		if (upgrade)
			line->upgrade = CMIG_NO_STATEMENT;
		else
			line->downgrade = CMIG_NO_STATEMENT;
	}
	foreach_ptr(const CmigDiffLine, line, missing)
	{
		CmigDiffLine *added = copy_line(line);

		if (line->upgrade == NULL)
			continue;
		added->incidental = true;
		added->downgrade = upgrade ? CMIG_NO_STATEMENT : line->upgrade;
		added->upgrade = upgrade ? line->upgrade : CMIG_NO_STATEMENT;
		proof->lines = upgrade ? lappend(proof->lines, added) : lcons(added, proof->lines);
	}
}

/* Returns the image of the schemas that the shadow has made. */
static CmigImage *
read_copies(CmigManaged *managed)
{
	int			kept = 0;

	for (int i = 0; i < managed->count; i++)
		if (managed->schemas[i].owned)
			managed->schemas[kept++] = managed->schemas[i];
	managed->count = kept;
	return cmig_image_read(managed);
}

/*
 * Can the statement not be tried here, because the caller may not run it, or
 * because it uses an object that is not in a schema, and not compared?
 */
static bool
is_inconclusive(const Proof *proof, const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE ||
		(error->sqlerrcode == ERRCODE_UNDEFINED_OBJECT && !proof->managed->all);
}

/*
 * Run the lines in one direction.  Returns true if they lead to the image.
 * Otherwise completes them, or doubts objects that the caller may not change.
 */
static bool
run_direction(Proof *proof, const List *lines, bool upgrade)
{
	const char *reason = upgrade ? "the upgrade leads to something else" :
	"the downgrade does not restore it";
	List	   *failures = NIL;
	List	   *missing;
	bool		doubts = false;

	foreach_ptr(CmigDiffFailure, failure,
				cmig_rehearsal_run(&proof->state, lines, upgrade, true, NULL))
	{
		if (is_inconclusive(proof, failure->error))
			doubts |= tell_doubt(proof, failure->line, failure->error->message);
		else
			failures = lappend(failures, failure);
	}
	if (doubts)
		return false;
	missing = lines_between(proof, read_copies(cmig_shadow_managed(proof->shadow)),
							upgrade ? proof->to : proof->from);
	if (failures == NIL && missing == NIL)
		return true;
	add_problems(proof, failures, missing, reason);
	proof->failed = list_concat(proof->failed, failures);
	complete(proof, failures, missing, upgrade);
	return false;
}

/* Subtransaction callback: run the downgrade and the upgrade, or the other way round. */
static void
run_round(void *arg)
{
	Proof	   *proof = arg;
	List	   *lines = NIL;
	List	   *renames = NIL;
	List	   *failures;

	foreach_ptr(CmigDiffLine, line, proof->lines)
	{
		if (line->subject != NULL && !is_doubtful(proof, line->subject))
			lines = lappend(lines, line);
	}
	if (!run_direction(proof, lines, proof->upward))
		return;
	if (!proof->upward || run_direction(proof, lines, false))
	{
		foreach_ptr(CmigDiffLine, line, proof->renames)
		{
			if (line->subject != NULL && !is_doubtful(proof, line->subject))
				renames = lappend(renames, line);
		}
		failures = cmig_rehearsal_run(&proof->state, renames, false, true, NULL);
		failures = list_concat(failures,
							   cmig_rehearsal_run(&proof->state, renames, true, true, NULL));
		add_problems(proof, failures, NIL, "the object cannot be renamed");
		proof->proved = proof->upward || run_direction(proof, lines, true);
	}
}

/*
 * Can another role change code that an object uses without being changed itself?
 * The check of a domain, the query of a view, and a policy run as whoever uses
 * them, and may be in a schema that is not compared.
 */
static bool
others_own_code(void)
{
	static CmigQuery query = {
		"SELECT FROM pg_roles r JOIN pg_shdepend s ON s.refclassid = 'pg_authid'::regclass"
		" AND s.refobjid = r.oid AND s.deptype = 'o'"
		" AND s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())"
		" LEFT JOIN pg_type t ON s.classid = 'pg_type'::regclass AND t.oid = s.objid"
		" AND t.typtype = 'd'"
		" LEFT JOIN pg_class c ON s.classid = 'pg_class'::regclass AND c.oid = s.objid"
		" AND (c.relkind = 'v' OR c.relrowsecurity)"
		" WHERE NOT r.rolsuper AND r.oid <> $1 AND (t.oid IS NOT NULL OR c.oid IS NOT NULL)"
		" LIMIT 1", {OIDOID}
	};

	return cmig_query_do(&query, GetUserId()) > 0;
}

bool
cmig_rehearsal_others_own(const CmigImage *image)
{
	const char *user = GetUserNameFromId(GetUserId(), false);

	for (int i = 0; i < image->count; i++)
	{
		const char *owner = image->objects[i]->kind == &cmig_kind_schema ? NULL :
		image->objects[i]->owner;

		if (owner != NULL && strcmp(owner, user) != 0 && !superuser_arg(get_role_oid(owner, true)))
			return true;
	}
	return others_own_code();
}

/* Does the object depend on a column, such as a generated one, that is dropped and created again? */
static bool
loses_base(const CmigObject *object)
{
	for (int i = 0; i < object->ndepends; i++)
	{
		const CmigObject *on = object->depends[i];

		if (on->kind->flags & CMIG_KIND_RECAST ? loses_base(on) :
			on->kind == &cmig_kind_column && on->change->action == CMIG_AGAIN)
			return true;
	}
	return false;
}

/*
 * Does the line drop or create an index, a constraint, or the like that both
 * images have?  If the type of a column changes, the server may keep it.
 */
static bool
may_stay(const Proof *proof, const CmigDiffLine *line)
{
	const CmigObject *object = line->subject;

	return object != NULL && (object->kind->flags & CMIG_KIND_RECAST) != 0 &&
		!is_doubtful(proof, object) && !loses_base(object) &&
		cmig_image_counterpart(proof->from, object) != NULL &&
		cmig_image_counterpart(proof->to, object) != NULL;
}

/* Returns the lines without those about what may stay, if a column is altered. */
static List *
shorten(const Proof *proof)
{
	List	   *lines = NIL;
	bool		alters = false;

	foreach_ptr(const CmigDiffLine, line, proof->lines)
	{
		if (may_stay(proof, line))
			continue;
		alters |= line->subject != NULL && line->subject->kind == &cmig_kind_column &&
			strcmp(line->action, "alter") == 0;
		lines = lappend(lines, copy_line(line));
	}
	return alters && list_length(lines) < list_length(proof->lines) ? lines : NIL;
}

/* Run a round, and take it back. */
static void
try_round(Proof *proof)
{
	ErrorData  *error;

	proof->problems = NIL;
	error = cmig_subtransaction_rehearse(run_round, proof);
	if (error != NULL)
		ReThrowError(error);
}

/* Try lines without completing them.  Do they lead from one image to the other? */
static bool
are_right(Proof *proof, List *lines)
{
	List	   *all = proof->lines;
	List	   *reasons = list_copy(proof->reasons);
	List	   *doubtful = list_copy(proof->doubtful);

	if (lines == NIL)
		return false;
	proof->lines = lines;
	try_round(proof);
	if (proof->proved)
		return true;
	proof->lines = all;
	proof->reasons = reasons;
	proof->doubtful = doubtful;
	return false;
}

/* Complete the copies, and doubt objects whose copies still differ from them. */
static void
check_copies(Proof *proof)
{
	const CmigImage *image = proof->upward ? proof->from : proof->to;

	foreach_ptr(const CmigDiffFailure, failure,
				cmig_rehearsal_run(&proof->state,
								   lines_between(proof,
												 read_copies(cmig_shadow_managed(proof->shadow)),
												 image), true, true, NULL))
		(void) tell_doubt(proof, failure->line, failure->error->message);
	foreach_ptr(const CmigDiffLine, line,
				lines_between(proof, read_copies(cmig_shadow_managed(proof->shadow)), image))
		(void) tell_doubt(proof, line,
						  line->change ? line->change : line->upgrade == NULL ? line->hazard :
						  "it differs");
	settle_doubts(proof);
}

/* Forget how the lines were completed. */
static void
start_again(Proof *proof)
{
	proof->lines = NIL;
	foreach_ptr(const CmigDiffLine, line, proof->original)
		proof->lines = lappend(proof->lines, copy_line(line));
}

/* A CmigShadowTask: copy the objects, and run the lines. */
static void
rehearse(CmigShadow *shadow, void *arg)
{
	Proof	   *proof = arg;
	List	   *failures,
			   *lines = NIL;

	proof->shadow = shadow;
	cmig_target_begin(&proof->state, shadow);
	proof->state.strict = cmig_rehearsal_others_own(proof->from) ||
		cmig_rehearsal_others_own(proof->to);
	proof->state.distrusts = proof->state.strict ? 'u' : 'o';
	failures = cmig_rehearsal_run(&proof->state, proof->start, true, true, NULL);
	(void) cmig_shadow_schemas(shadow);
	if (failures != NIL)
		check_copies(proof);
	foreach_ptr(const CmigDiffLine, line, proof->lines)
		lines = lappend(lines, copy_line(line));
	/* reading images is what takes time, and most lines are right */
	if (are_right(proof, shorten(proof)) || are_right(proof, lines))
		return;
	check_copies(proof);
	for (int i = 0; i < ROUNDS && !proof->proved; i++)
	{
		int			doubts = list_length(proof->reasons);

		try_round(proof);
		if (list_length(proof->reasons) > doubts)
		{
			/* what was added may be about doubtful objects */
			settle_doubts(proof);
			start_again(proof);
			i = -1;
		}
	}
}

/* Subtransaction callback: rehearse in a shadow. */
static void
run_shadow(void *arg)
{
	Proof	   *proof = arg;

	CmigImage  *empty = cmig_image_new();

	cmig_image_finish(empty);
	proof->start = lines_between(proof, empty, proof->upward ? proof->from : proof->to);
	start_again(proof);
	cmig_shadow_run(proof->managed, proof->function, rehearse, proof);
}

/* Do new objects have other privileges than the built-in ones? */
static bool
has_default_privileges(const Proof *proof)
{
	const CmigImage *const images[] = {proof->old.image, proof->new.image};

	for (int i = 0; i < lengthof(images); i++)
		for (int j = 0; j < images[i]->count; j++)
			if (images[i]->objects[j]->kind == &cmig_kind_default_privileges)
				return true;
	return proof->options->initial != NIL;
}

/*
 * Does the old object stay, although the new image lacks it?  What goes with
 * other objects has no change of its own.
 */
static bool
is_left(const CmigChange *change)
{
	const CmigChange *root;

	if (change->from == NULL || change->to != NULL)
		return false;
	root = cmig_object_root(change->from)->change;
	return change->action == CMIG_UNSUPPORTED ||
		(root->to == NULL && root->action == CMIG_NO_CHANGE);
}

/* Add to the new objects those that the difference does not drop. */
static void
keep_left(const CmigDifference *difference, const CmigDiffCopies *copies)
{
	bool	   *wanted = palloc0(Max(copies->from->count, 1));

	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *change = &difference->changes[i];
		const CmigObject *object = is_left(change) ?
		cmig_image_counterpart(copies->from, change->from) : NULL;

		if (object != NULL)
			wanted[object->index] = true;
	}
	cmig_keep(copies->from, copies->to, wanted);
}

/* Returns the completed lines, without those that have no statement left. */
static List *
with_statement(const Proof *proof)
{
	List	   *result = NIL;

	foreach_ptr(CmigDiffLine, line, proof->lines)
	{
		if (line->within || !cmig_text_same(line->upgrade, CMIG_NO_STATEMENT) ||
			!cmig_text_same(line->downgrade, CMIG_NO_STATEMENT))
			result = lappend(result, line);
	}
	return result;
}

/*
 * Returns the original lines without the statements that failed, and the
 * problems.  An object whose line says that it cannot be reverted has no other.
 */
static List *
without_failed(const Proof *proof, List *lines)
{
	List	   *result = NIL,
			   *told = NIL;

	foreach_ptr(CmigDiffLine, line, lines)
	{
		const char *reason = NULL;
		bool		runs = true;

		foreach_ptr(const CmigDiffFailure, failure, proof->failed)
		{
			if (failure->line->subject != line->subject ||
				strcmp(failure->line->action, line->action) != 0)
				continue;
			if (failure->upgrade)
				runs = false;
			else
				reason = failure->error->message;
		}
		if (!runs)
			continue;
		if (reason != NULL && line->downgrade != NULL)
		{
			line->downgrade = NULL;
			line->hazard = psprintf("cannot be reverted: %s", reason);
			told = lappend(told, unconstify(char *, line->object));
		}
		result = lappend(result, line);
	}
	foreach_ptr(CmigDiffLine, line, proof->problems)
	{
		if (!cmig_text_list_has(told, line->object))
			result = lappend(result, line);
	}
	return result;
}

/*
 * Is a column or constraint of a table altered that other tables inherit from?
 * What they keep, although the table's changes, only the rehearsal shows.
 */
static bool
affects_children(const CmigDiffLine *line)
{
	const CmigObject *table = line->subject ? line->subject->parent : NULL;

	if (table == NULL || strcmp(line->action, "alter") != 0 ||
		(line->subject->kind != &cmig_kind_column && line->subject->kind != &cmig_kind_constraint))
		return false;
	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
		if (child->kind == &cmig_kind_column && child->values[CMIG_COLUMN_CHILDREN] != NULL)
			return true;
	return false;
}

List *
cmig_rehearsal_warn(List *lines)
{
	foreach_ptr(CmigDiffLine, line, lines)
	{
		const char *reason = "not rehearsed: tables that inherit this may be changed, too";

		if (affects_children(line))
			line->hazard = line->hazard ? psprintf("%s; %s", line->hazard, reason) : reason;
	}
	return lines;
}

List *
cmig_rehearsal_prove(const CmigManaged *managed, const char *function, const CmigDiffCopies *copies,
					 const CmigDifference *difference, const List *renames, List *lines)
{
	CmigDiffOptions options = *difference->options;
	Proof		proof = {.managed = managed,.function = function,.options = &options};
	ErrorData  *error;
	bool		casts = false;
	int			level;

	if (!options.prove || lines == NIL)
		return cmig_rehearsal_warn(lines);
	if (!options.models)
		keep_left(difference, copies);
	choice_init(&proof.old, copies->from);
	choice_init(&proof.new, copies->to);
	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *change = &difference->changes[i];

		if (cmig_change_stays(change))
			continue;
		choose(&proof.old, change->from);
		choose(&proof.new, change->to);
		casts |= change->alter.recasts && change->alter.casts != NIL;
	}
	/* a conversion does not depend on the cast that it uses */
	for (int i = 0; casts && i < difference->count; i++)
	{
		if (cmig_change_object(&difference->changes[i])->kind != &cmig_kind_cast)
			continue;
		choose(&proof.old, difference->changes[i].from);
		choose(&proof.new, difference->changes[i].to);
	}
	foreach_ptr(CmigDiffLine, rename, renames)
	{
		if (strcmp(rename->action, "rename") != 0)
			continue;
		choose(&proof.old, rename->subject);
		choose(&proof.new, rename->subject);
		proof.renames = lappend(proof.renames, rename);
	}
	do
	{
		(void) extend(&proof.old, managed);
		(void) extend(&proof.new, managed);
	} while (follow(&proof.old, &proof.new) || follow(&proof.new, &proof.old));
	/* default privileges are not in force in the shadow */
	options.privileges &= !has_default_privileges(&proof);
	proof.from = only_chosen(&proof.old, copies->from);
	proof.to = only_chosen(&proof.new, copies->to);
	foreach_ptr(const CmigDiffLine, line, lines)
	{
		proof.original = lappend(proof.original, copy_line(line));
		if ((line->upgrade == NULL || line->downgrade == NULL) && line->subject != NULL)
			(void) doubt(&proof, line->subject);
	}
	for (int i = 0; i < difference->count; i++)
		if (difference->changes[i].from == NULL &&
			difference->changes[i].action == CMIG_UNSUPPORTED)
			(void) doubt(&proof,
						 cmig_image_counterpart(proof.to, difference->changes[i].to));
	doubt_outside(&proof, proof.from);
	doubt_outside(&proof, proof.to);
	settle_doubts(&proof);

	options.concurrently = options.stages = false;
	level = cmig_session_read_quietly();
	proof.upward = options.models;
	error = cmig_subtransaction_rehearse(run_shadow, &proof);
	if (error == NULL && !proof.proved && !proof.upward)
	{
		/* the upgrade has not run, because the downgrade has failed */
		proof.upward = true;
		error = cmig_subtransaction_rehearse(run_shadow, &proof);
	}
	AtEOXact_GUC(false, level);
	if (error != NULL && error->sqlerrcode != ERRCODE_OUT_OF_MEMORY)
		ReThrowError(error);
	if (error != NULL)
	{
		/* each copy takes locks, in addition to those of the target */
		ereport(NOTICE,
				(errmsg("the statements were not rehearsed: %s", error->message),
				 error->hint ? errhint("%s", error->hint) : 0));
		return cmig_rehearsal_warn(lines);
	}
	if (list_length(proof.reasons) > 0)
	{
		CmigListing reasons;

		cmig_listing_init(&reasons, CMIG_LISTING_LINES);
		foreach_ptr(char, reason, proof.reasons)
			cmig_listing_add(&reasons, reason);
		ereport(NOTICE,
				(errmsg("some statements were not rehearsed"),
				 errdetail_internal("%s", cmig_listing_text(&reasons))));
	}
	return proof.proved ? with_statement(&proof) : without_failed(&proof, lines);
}
