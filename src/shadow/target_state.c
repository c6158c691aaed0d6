/*
 * target_state.c
 *	  The state of a target while its SQL is running.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/listing.h"
#include "shadow/target_object.h"
#include "shadow/target_state.h"

#include "utils/memutils.h"

CmigTargetNote *
cmig_target_note(CmigTargetState *state, const char *kind, const char *object, const char *reason)
{
	MemoryContext caller = MemoryContextSwitchTo(state->context);
	CmigTargetNote *note = palloc0(sizeof(CmigTargetNote));

	note->kind = pstrdup(kind);
	note->object = pstrdup(object);
	note->reason = pstrdup(reason);
	note->line = state->line;
	state->target->notes = lappend(state->target->notes, note);
	MemoryContextSwitchTo(caller);
	return note;
}

void
cmig_target_forget(CmigTargetState *state, const char *kind, const char *object)
{
	ListCell   *cell;

	foreach(cell, state->target->notes)
	{
		const CmigTargetNote *note = lfirst(cell);

		if (strcmp(note->kind, kind) == 0 && strcmp(note->object, object) == 0)
			state->target->notes = foreach_delete_current(state->target->notes, cell);
	}
}

static void
add_missing(CmigTargetState *state, ObjectType type, const char *name, bool is_shown)
{
	MemoryContext caller = MemoryContextSwitchTo(state->context);
	CmigTargetMissing *missing = palloc(sizeof(CmigTargetMissing));

	missing->type = type;
	missing->name = pstrdup(name);
	missing->is_shown = is_shown;
	state->missing = lappend(state->missing, missing);
	MemoryContextSwitchTo(caller);
}

void
cmig_target_note_missing(CmigTargetState *state, ObjectType type, const char *name,
						 const char *reason)
{
	if (cmig_target_find_missing(state, type, name) != NULL)
		return;
	cmig_target_note(state, cmig_target_object_kind(type), name, reason);
	add_missing(state, type, name, false);
}

void
cmig_target_add_shown(CmigTargetState *state, ObjectType type, const char *name)
{
	add_missing(state, type, name, true);
}

const CmigTargetMissing *
cmig_target_find_missing(const CmigTargetState *state, ObjectType type, const char *name)
{
	ListCell   *cell;

	foreach(cell, state->missing)
	{
		const CmigTargetMissing *missing = lfirst(cell);

		if (missing->type == type && strcmp(missing->name, name) == 0)
			return missing;
	}
	return NULL;
}

void
cmig_target_leave_out(CmigTargetState *state, const char *what)
{
	MemoryContext caller = MemoryContextSwitchTo(state->context);

	state->left_out = lappend(state->left_out, psprintf("line %d: %s", state->line, what));
	MemoryContextSwitchTo(caller);
}

void
cmig_target_tell_left_out(const CmigTargetState *state)
{
	CmigListing list;
	ListCell   *lc;

	if (state->left_out == NIL)
		return;
	cmig_listing_init(&list, CMIG_LISTING_LINES);
	foreach(lc, state->left_out)
		cmig_listing_add(&list, lfirst(lc));
	ereport(NOTICE,
			(errmsg("target statements that do not concern the compared schemas were ignored"),
			 errdetail_internal("%s", cmig_listing_text(&list))));
}
