/*
 * lead.c
 *	  Decides where new tables are placed among other objects, based on their
 *	  foreign keys.
 *
 * If dependencies alone decided the order, a referenced table would be moved
 * forward, but its indexes would not.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "compare/lead.h"
#include "kinds/kinds.h"

/* A table whose foreign keys are being followed. */
typedef struct LeadFrame
{
	CmigObject *table;
	const CmigObject *child;	/* the next child to examine */
	int			depend;			/* index of the child's next dependency to
								 * examine */
} LeadFrame;

/* The state of ordering the tables of one image. */
typedef struct Lead
{
	const CmigDifference *difference;
	bool		old;			/* true for the image before the changes */
	LeadFrame  *stack;
	int			depth;
	int			turns;
} Lead;

/*
 * Returns true if the whole table is created (or dropped, if lead->old is
 * true).
 */
static bool
is_whole(const Lead *lead, const CmigObject *table)
{
	const CmigChange *change = lead->old ? lead->difference->of_from[table->index] :
	lead->difference->of_to[table->index];

	return change->action == CMIG_AGAIN || change->action == (lead->old ? CMIG_DROP : CMIG_CREATE);
}

/* Put a table on the stack. */
static void
push(Lead *lead, CmigObject *table)
{
	table->turn = -1;
	lead->stack[lead->depth++] = (LeadFrame)
	{
		table, table->child, 0
	};
}

/*
 * Returns the next table that the frame's table references and that has not
 * been placed yet.  Returns NULL if there is none.
 */
static CmigObject *
next_table(const Lead *lead, LeadFrame *frame)
{
	for (; frame->child != NULL; frame->child = frame->child->sibling, frame->depend = 0)
	{
		if (frame->child->kind != &cmig_kind_foreign_key || !frame->child->folded)
			continue;
		while (frame->depend < frame->child->ndepends)
		{
			CmigObject *table = frame->child->depends[frame->depend++];

			while (table->parent != NULL)
				table = table->parent;
			if (table->kind == &cmig_kind_table && table->turn == 0 && is_whole(lead, table))
				return table;
		}
	}
	return NULL;
}

/* Place a table after all tables that it references. */
static void
place(Lead *lead, CmigObject *leader)
{
	push(lead, leader);
	while (lead->depth > 0)
	{
		LeadFrame  *frame = &lead->stack[lead->depth - 1];
		CmigObject *next = next_table(lead, frame);

		if (next != NULL)
		{
			push(lead, next);
			continue;
		}
		frame->table->lead = leader;
		frame->table->turn = ++lead->turns;
		lead->depth--;
	}
}

/* Set the fields "lead" and "turn" of all tables in an image. */
static void
place_all(const CmigDifference *difference, const CmigImage *image, bool old)
{
	Lead		lead = {difference, old};

	lead.stack = palloc(sizeof(LeadFrame) * Max(image->count, 1));
	for (int i = 0; i < image->count; i++)
	{
		image->objects[i]->lead = NULL;
		image->objects[i]->turn = 0;
	}
	for (int i = 0; i < image->count; i++)
	{
		CmigObject *table = image->objects[i];

		if (table->kind == &cmig_kind_table && table->turn == 0 && is_whole(&lead, table))
			place(&lead, table);
	}
	pfree(lead.stack);
}

void
cmig_lead_tables(CmigDifference *difference)
{
	place_all(difference, difference->from, true);
	place_all(difference, difference->to, false);
}

int
cmig_lead_compare(const CmigObject *a, const CmigObject *b)
{
	const char *first = a->lead ? a->lead->identity : a->identity,
			   *second = b->lead ? b->lead->identity : b->identity;
	int			order;

	if (a->kind != b->kind || a->kind != &cmig_kind_table)
		return cmig_object_compare(a, b);
	order = strcmp(first, second);
	if (order == 0)
		order = a->turn < b->turn ? -1 : a->turn > b->turn;
	return order ? order : cmig_object_compare(a, b);
}
