import 'dart:async';

import 'package:flutter/material.dart';

import '../data/conversation.dart';
import '../view_models/chats_view_model.dart';
import 'composer.dart';

/// All chats, in the drawer or beside the chat.
class ChatList extends StatelessWidget {
  const ChatList({
    required this.chats,
    required this.onModels,
    required this.onSettings,
    this.onChosen,
    super.key,
  });

  final ChatsViewModel chats;
  final VoidCallback onModels;
  final VoidCallback onSettings;

  /// Told when the list has done its work.
  final VoidCallback? onChosen;

  @override
  Widget build(BuildContext context) => SafeArea(
    child: ListenableBuilder(
      listenable: chats,
      builder: (context, _) => Column(
        crossAxisAlignment: CrossAxisAlignment.stretch,
        children: [
          Padding(
            padding: const EdgeInsets.fromLTRB(16, 16, 16, 12),
            child: FilledButton.tonalIcon(
              onPressed: () {
                chats.openNew();
                onChosen?.call();
              },
              icon: const Icon(Icons.add),
              label: const Text('New chat'),
            ),
          ),
          Expanded(
            child: chats.all.isEmpty
                ? const _NoChats()
                : ListView(
                    padding: const EdgeInsets.symmetric(horizontal: 8),
                    children: [
                      for (final chat in chats.all)
                        _ChatTile(
                          chat,
                          chats,
                          onChosen,
                          key: ValueKey(chat.id),
                        ),
                    ],
                  ),
          ),
          const Divider(),
          ListTile(
            leading: const Icon(Icons.memory),
            title: const Text('Models'),
            onTap: onModels,
          ),
          ListTile(
            leading: const Icon(Icons.tune),
            title: const Text('Settings'),
            onTap: onSettings,
          ),
        ],
      ),
    ),
  );
}

class _NoChats extends StatelessWidget {
  const _NoChats();

  @override
  Widget build(BuildContext context) => Padding(
    padding: const EdgeInsets.all(24),
    child: Text(
      'Your chats will be here.',
      textAlign: TextAlign.center,
      style: TextStyle(color: Theme.of(context).colorScheme.onSurfaceVariant),
    ),
  );
}

class _ChatTile extends StatelessWidget {
  const _ChatTile(this.chat, this.chats, this.onChosen, {super.key});

  final Conversation chat;
  final ChatsViewModel chats;
  final VoidCallback? onChosen;

  @override
  Widget build(BuildContext context) => ListTile(
    shape: RoundedRectangleBorder(borderRadius: BorderRadius.circular(14)),
    selected: chat.id == chats.current.id,
    selectedTileColor: Theme.of(context).colorScheme.secondaryContainer,
    selectedColor: Theme.of(context).colorScheme.onSecondaryContainer,
    contentPadding: const EdgeInsetsDirectional.only(start: 16, end: 4),
    title: Text(chat.label, maxLines: 1, overflow: TextOverflow.ellipsis),
    onTap: () {
      chats.open(chat.id);
      onChosen?.call();
    },
    trailing: MenuAnchor(
      menuChildren: [
        MenuItemButton(
          leadingIcon: const Icon(Icons.edit_outlined),
          onPressed: () => unawaited(_rename(context)),
          child: const Text('Rename'),
        ),
        MenuItemButton(
          leadingIcon: const Icon(Icons.delete_outline),
          onPressed: () => unawaited(_delete(context)),
          child: const Text('Delete'),
        ),
      ],
      builder: (context, menu, _) => IconButton(
        tooltip: 'More for “${chat.label}”',
        iconSize: 20,
        icon: const Icon(Icons.more_vert),
        onPressed: () => menu.isOpen ? menu.close() : menu.open(),
      ),
    ),
  );

  Future<void> _rename(BuildContext context) async {
    final name = await showDialog<String>(
      context: context,
      builder: (context) => _RenameDialog(chat.label),
    );
    if (name != null) await chats.rename(chat.id, name);
  }

  Future<void> _delete(BuildContext context) async {
    final messenger = ScaffoldMessenger.of(context);
    final deleted = await chats.delete(chat.id);
    if (deleted == null) return;
    showUndo(
      messenger,
      'Chat deleted',
      onUndo: () => unawaited(chats.restore(deleted)),
    );
  }
}

class _RenameDialog extends StatefulWidget {
  const _RenameDialog(this.name);

  final String name;

  @override
  State<_RenameDialog> createState() => _RenameDialogState();
}

class _RenameDialogState extends State<_RenameDialog> {
  late final _text = TextEditingController(text: widget.name);

  @override
  void dispose() {
    _text.dispose();
    super.dispose();
  }

  @override
  Widget build(BuildContext context) => AlertDialog(
    title: const Text('Rename'),
    content: TextField(
      controller: _text,
      autofocus: true,
      onSubmitted: (text) => Navigator.pop(context, text),
      decoration: const InputDecoration(labelText: 'Name'),
    ),
    actions: [
      TextButton(
        onPressed: () => Navigator.pop(context),
        child: const Text('Cancel'),
      ),
      FilledButton(
        onPressed: () => Navigator.pop(context, _text.text),
        child: const Text('Rename'),
      ),
    ],
  );
}
