import 'package:flutter/widgets.dart';

import 'app.dart';
import 'services/app_services.dart';

void main() => runApp(const HappyPhoneApp(createServices: AppServices.real));
